import { MillraceError } from '@millrace/core';
import { protocolErrorsCodesById, ProtocolError, ResponseError } from '@platformatic/kafka';

import { isCertainlyNotWritten, kafkaError } from '../errors.ts';

/** What became of the records of one partition in a request that failed as a whole. */
export type Outcome =
  | { readonly offset: number }
  | { readonly error: MillraceError; readonly inDoubt: boolean; readonly mayPass: boolean };

/** Reads from the driver's error what became of each partition: the broker refuses or takes them one by one. */
export function outcomesOf(error: unknown, display: string): (partition: number) => Outcome {
  const isCertain = isCertainlyNotWritten(error);
  const answers = answersOf(error);
  return (partition) => {
    const answer = answers.get(partition);
    if (answer?.code === 0 && answer.offset >= 0) return { offset: answer.offset };
    const apiId = protocolErrorsCodesById[answer?.code ?? -1];
    const cause = apiId === undefined ? error : new ProtocolError(apiId);
    const own = kafkaError(cause, display);
    if (isCertain) return { error: own, inDoubt: false, mayPass: own.retry };
    const message = `Kafka at ${display} did not confirm a record, which may be in the topic or not: ${own.message}`;
    const inDoubt = new MillraceError('LOG_FAILED', message, { field: 'url', value: display, cause: error });
    return { error: inDoubt, inDoubt: true, mayPass: false };
  };
}

interface Answer {
  readonly code: number;
  readonly offset: number;
}

/** Per partition, of the last response in the tree of errors: but what one of them says is written stays written. */
function answersOf(error: unknown): ReadonlyMap<number, Answer> {
  const answers = new Map<number, Answer>();
  for (const { partitionResponses } of responsesIn(error).flatMap(({ responses }) => responses)) {
    for (const { index, errorCode, baseOffset } of partitionResponses) {
      if (answers.get(index)?.code !== 0) answers.set(index, { code: errorCode, offset: Number(baseOffset) });
    }
  }
  return answers;
}

interface ProduceResponse {
  readonly responses: readonly {
    readonly partitionResponses: readonly {
      readonly index: number;
      readonly errorCode: number;
      readonly baseOffset: bigint;
    }[];
  }[];
}

function responsesIn(error: unknown): readonly ProduceResponse[] {
  if (error instanceof ResponseError) {
    // The driver's errors carry the parsed answer without a type, and may be of a request that came first: for the
    // leaders, or for the producer's id.
    const response = error['response'] as ProduceResponse | { readonly responses?: undefined };
    return response.responses === undefined ? [] : [response];
  }
  if (error instanceof AggregateError) return error.errors.flatMap((each) => responsesIn(each));
  return [];
}
