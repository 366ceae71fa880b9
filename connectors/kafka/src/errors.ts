import { MillraceError } from '@millrace/core';
import { AuthenticationError, findErrorBy, NetworkError, ProtocolError, TimeoutError } from '@platformatic/kafka';

import {
  CERTIFICATE_ADVICE,
  CLOSED_ADVICE,
  CLOSED_EARLY,
  FINAL_ANSWERS,
  FINAL_FAILURES,
  type Meaning,
  UNTRUSTED_CERTIFICATE,
} from './error-meanings.ts';

/** Answers to a request to produce after which nothing of it is in the log. */
const NOT_WRITTEN = new Set([
  ...Object.keys(FINAL_ANSWERS),
  'FENCED_LEADER_EPOCH',
  'LEADER_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** A failure of the driver as Millrace's own: UNAVAILABLE for all that may pass, else what Kafka will never take. */
export function kafkaError(error: unknown, display: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const options = { field: 'url', value: display, cause: error };
  const reason = reasonOf(error);
  const answer = answerIn(error);
  const said = answer === undefined ? `cannot be reached: ${reason}` : `answered ${answer}: ${reason}`;
  const { code, advice } = finalMeaning(error, answer) ?? passingMeaning(error);
  return new MillraceError(code, `Kafka at ${display} ${said}${advice === '' ? '' : ` (${advice})`}`, options);
}

/** Undefined for what may pass. */
function finalMeaning(error: unknown, answer: string | undefined): Meaning | undefined {
  const tree = errorsIn(error);
  const found = answer === undefined ? undefined : FINAL_ANSWERS[answer];
  if (found !== undefined) return found;
  if (tree.some(({ code }) => UNTRUSTED_CERTIFICATE.test(String(code)))) return CERTIFICATE_ADVICE;
  const [, failure] = FINAL_FAILURES.find(([text]) => tree.some(({ message }) => text.test(message))) ?? [];
  if (failure !== undefined) return failure;
  const login = tree.find((each) => each instanceof AuthenticationError);
  // A connection that is cut in the middle of a login comes as a failure of the login, too.
  const wasCut = login !== undefined && errorsIn(login.cause).some(isOfNetwork);
  return login === undefined || wasCut ? undefined : FINAL_ANSWERS['SASL_AUTHENTICATION_FAILED'];
}

const passingMeaning = (error: unknown): Meaning => ({
  code: 'UNAVAILABLE',
  advice: errorsIn(error).some(({ message }) => CLOSED_EARLY.test(message)) ? CLOSED_ADVICE : '',
});

const isOfNetwork = (error: Error): boolean =>
  error instanceof NetworkError || error instanceof TimeoutError || 'syscall' in error;

/** Whether trying again may help. */
export const mayPass = (error: unknown): boolean => kafkaError(error, '').retry;

/** Whether the broker answered so, somewhere in the tree of causes. */
export const answered = (error: unknown, apiId: string): boolean =>
  error instanceof Error && findErrorBy(error, 'apiId', apiId) !== null;

/** Whether the driver asked a broker that does not lead the partition any more. */
export const isStale = (error: unknown): boolean =>
  error instanceof Error && findErrorBy(error, 'hasStaleMetadata', true) !== null;

/** Whether it is certain that an attempt to produce left nothing behind: it never reached a broker, or was refused. */
export function isCertainlyNotWritten(error: unknown): boolean {
  return leavesOf(error).every((leaf) => {
    if (leaf instanceof ProtocolError) return NOT_WRITTEN.has(leaf['apiId'] as string);
    if (leaf.code === 'PLT_KFK_USER' || leaf.code === 'PLT_KFK_AUTHENTICATION') return true;
    return (
      leaf instanceof NetworkError && /^(Connection to |Cannot connect|Cannot get a connection)/.test(leaf.message)
    );
  });
}

/** Codes of the driver for an answer that it cannot parse; other errors of its parser have no code of its own. */
const PARSER = new Set(['PLT_KFK_OUT_OF_BOUNDS', 'PLT_KFK_UNSUPPORTED_COMPRESSION', 'PLT_KFK_UNSUPPORTED_FORMAT']);

/** Whether an answer came that is not what the protocol says, as when a bit flipped on the broker's disk. */
export function isUnreadable(error: unknown): error is Error {
  const leaves = leavesOf(error);
  return (
    leaves.length > 0 && leaves.every(({ code }) => !String(code).startsWith('PLT_KFK_') || PARSER.has(String(code)))
  );
}

type CodedError = Error & { readonly code?: unknown; readonly errors?: unknown; readonly apiId?: unknown };

/** The error, what it aggregates and its causes. */
function errorsIn(error: unknown): CodedError[] {
  if (!(error instanceof Error)) return [];
  const { errors } = error as CodedError;
  const inner = Array.isArray(errors) ? errors.flatMap((each) => errorsIn(each)) : [];
  return [error, ...inner, ...errorsIn(error.cause)];
}

function leavesOf(error: unknown): CodedError[] {
  if (!(error instanceof Error)) return [];
  const { errors } = error as CodedError;
  if (Array.isArray(errors) && errors.length > 0) return errors.flatMap((each) => leavesOf(each));
  return [error];
}

/** The first that is final, else the first of all. */
function answerIn(error: unknown): string | undefined {
  const ids = errorsIn(error)
    .map(({ apiId }) => apiId)
    .filter((id) => typeof id === 'string');
  return ids.find((id) => Object.hasOwn(FINAL_ANSWERS, id)) ?? ids[0];
}

/** The last of the attempts says most, and its own message more than that of what wraps it. */
function reasonOf(error: unknown): string {
  const last = leavesOf(error).at(-1);
  if (last === undefined) return String(error);
  return last.cause instanceof Error ? `${last.message} ${last.cause.message}` : last.message;
}

export const logClosed = (): MillraceError => new MillraceError('LOG_CLOSED', 'the log is closed');

export const outOfRange = (topic: string, partition: number, from: number, accepted: string): MillraceError =>
  new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${from} of partition ${partition} is not in the topic ${topic}: retention removed it, or it belongs to another topic`,
    { field: 'from', value: from, accepted },
  );
