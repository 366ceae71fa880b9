import { pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, LevelWithSilent, Logger } from 'pino';

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
 * @example
 * const logger = createLogger({ level: 'info', name: 'frontend' });
 * logger.error({ err, url: 'redis://user:pass@host' }, 'cannot connect');   // url: "redis://***@host"
 */
export function createLogger({ level, name, destination, pretty = false }: LoggerOptions): Logger {
  const target = destination ?? pino.destination(2);
  return pino(
    {
      level,
      base: { name },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // On the finished line: field paths would miss secrets that are deeper, in a message or in an error's stack.
      hooks: { streamWrite: redact },
    },
    pretty ? { write: (line) => target.write(prettyLine(line)) } : target,
  );
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
  readonly err?: { readonly stack?: string };
}

/** `12:30:05.123 WARN frontend: slow disk {"ms":250}`, and below it the stack of an error. */
function prettyLine(line: string): string {
  const { time, level, name, msg = '', err, ...fields } = JSON.parse(line) as Line;
  const clock = time.slice('2026-01-01T'.length, -'Z'.length);
  const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
  const stack = err?.stack === undefined ? '' : `${err.stack}\n`;
  return `${clock} ${level.toUpperCase()} ${name}: ${msg}${rest}\n${stack}`;
}
