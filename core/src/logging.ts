import { pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { DestinationStream, LevelWithSilent, Logger } from 'pino';
import { MillraceError } from './errors.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: LevelWithSilent;
  /** Component that speaks; stands in every line. */
  readonly name: string;
  /** Where lines go. Default: standard error, because standard output belongs to a command's answer. */
  readonly destination?: DestinationStream;
  /** Lines for a person instead of JSON. Default false. */
  readonly pretty?: boolean;
}

/**
 * A pino logger whose lines hold no secret: neither the values of fields that are named like one (authorization,
 * token, password, secret), at any depth, nor the user part of a URL, nor such a parameter in its query.
 *
 * An error that Millrace throws on purpose shows code and message; the stack, which tells where a defect is, only those
 * that are none of these (INTERNAL, and foreign ones), and every error from level `debug` on.
 *
 * @example
 * const logger = createLogger({ level: 'info', name: 'frontend' });
 * logger.error({ err, url: 'redis://user:pass@host' }, 'cannot connect');   // url: "redis://***@host"
 */
export function createLogger({ level, name, destination, pretty = false }: LoggerOptions): Logger {
  const target = destination ?? pino.destination(2);
  const withStacks = level === 'debug' || level === 'trace';
  return pino(
    {
      level,
      base: { name },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: withStacks ? stdSerializers.err : serialized },
      // On the finished line: field paths would miss secrets that are deeper, in a message or in an error's stack.
      hooks: { streamWrite: redact },
    },
    pretty ? { write: (line) => target.write(prettyLine(line)) } : target,
  );
}

function serialized(error: Error): object {
  const whole = stdSerializers.err(error);
  if (!(error instanceof MillraceError) || error.code === 'INTERNAL') return whole;
  const { stack: _, ...brief } = whole;
  return { ...brief, message: messageOf(error) };
}

/** With what its causes say, unless the message tells it already. */
function messageOf({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  const reason = messageOf(cause);
  return message.includes(reason) ? message : `${message}: ${reason}`;
}

const SECRET_FIELD = /"([\w-]*(?:authorization|token|password|secret))":(?:"(?:[^"\\]|\\.)*"|[\d.eE+-]+)/gi;
const SECRET_PARAMETER = /([?&][\w-]*(?:token|password|secret)=)[^&\s"\\]*/gi;
const USER_OF_URL = /([a-z][a-z0-9+.-]*:\/\/)[^\s"/]*@/gi;

function redact(line: string): string {
  return line
    .replaceAll(SECRET_FIELD, '"$1":"***"')
    .replaceAll(SECRET_PARAMETER, '$1***')
    .replaceAll(USER_OF_URL, '$1***@');
}

interface Line {
  readonly time: string;
  readonly level: string;
  readonly name: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
}

/** `12:30:05.123 WARN frontend: slow disk {"ms":250}`; then what an error says, or its stack on lines below. */
function prettyLine(line: string): string {
  const { time, level, name, msg = '', err, ...fields } = JSON.parse(line) as Line;
  const clock = time.slice('2026-01-01T'.length, -'Z'.length);
  const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
  const what = err === undefined || err.stack !== undefined ? msg : [msg, err.message].filter(Boolean).join(': ');
  const stack = err?.stack === undefined ? '' : `${err.stack}\n`;
  return `${clock} ${level.toUpperCase()} ${name}: ${what}${rest}\n${stack}`;
}
