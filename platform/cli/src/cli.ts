import { existsSync } from 'node:fs';
import {
  MillraceError,
  createLogger,
  nearestSpelling,
  readConfigFile,
  resolveOptions,
  sectionFor,
  toMillraceError,
} from '@millrace/core';
import type { ErrorCode } from '@millrace/core';
import { CommanderError } from 'commander';
import type { AnyCommand, CommandContext } from './command.ts';
import { EXIT } from './command.ts';
import { commands } from './commands/index.ts';
import { misspelledVariables } from './misspelled-variables.ts';
import type { Invocation } from './program.ts';
import { buildProgram } from './program.ts';
import type { Terminal, TerminalStreams } from './terminal.ts';
import { createTerminal } from './terminal.ts';

/** Read when it lies in the working directory and no `--config` is given. */
const DEFAULT_CONFIG_FILE = 'millrace.toml';

export type CliProcess = TerminalStreams & Pick<NodeJS.Process, 'env' | 'on' | 'off' | 'exit'>;

/** Runs one command line; resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[], host: CliProcess): Promise<number> {
  const terminal = createTerminal(host, host.env);
  endWithReaders(host);
  let debug = argv.includes('--debug');
  try {
    let invocation: Invocation | undefined;
    const program = buildProgram(commands, terminal, (given) => (invocation = given));
    await program.parseAsync(argv, { from: 'user' });
    if (invocation === undefined) return EXIT.usage;
    debug = invocation.debug;
    return await runCommand(invocation, host, terminal);
  } catch (error) {
    return report(error, terminal, debug, argv);
  }
}

/**
 * Node.js ignores SIGPIPE, so a reader that has seen enough (`millrace help up | head -1`) shows as an error of the
 * stream. It may come after the command has ended, while its last lines are let through: the listeners stay.
 */
function endWithReaders(host: CliProcess): void {
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') host.exit(EXIT.readerGone);
    throw error;
  };
  host.stdout.on('error', onError);
  host.stderr.on('error', onError);
}

async function runCommand(invocation: Invocation, host: CliProcess, terminal: Terminal): Promise<number> {
  const { command, flags, args, debug } = invocation;
  const path = invocation.config ?? host.env[CONFIG_VARIABLE] ?? defaultConfigFile();
  const components = [...new Set(commands.map(({ options }) => options.component))];
  const configFile = path === undefined ? undefined : await readConfigFile(path, components);
  const resolved = resolveOptions(command.options, {
    env: host.env,
    flags,
    ...(configFile !== undefined && { file: sectionFor(command.options, configFile) }),
  });
  const misspelled = misspelledVariables(host.env, variablesOf(command), new Set(commands.flatMap(variablesOf)));
  for (const warning of [...resolved.warnings, ...misspelled]) terminal.note(`warning: ${warning}`);
  const interruption = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && interruption.signal.aborted) host.exit(EXIT.interrupted);
    interruption.abort();
  };
  host.on('SIGINT', onSignal);
  host.on('SIGTERM', onSignal);
  const context: CommandContext = {
    terminal,
    env: host.env,
    interrupted: interruption.signal,
    debug,
    configFile,
    get warnings() {
      return createLogger({
        level: debug ? 'debug' : 'warn',
        name: command.name,
        pretty: true,
        destination: terminal.stderr,
      });
    },
    logger: (level) => createLogger({ level, name: command.name, pretty: terminal.interactive }),
  };
  try {
    return await command.run({ ...context, options: resolved.values, resolved, args });
  } finally {
    host.off('SIGINT', onSignal);
    host.off('SIGTERM', onSignal);
  }
}

const CONFIG_VARIABLE = 'MILLRACE_CONFIG';

/** What a command reads of the environment. */
const variablesOf = ({ options, alsoReads }: AnyCommand): string[] => [
  CONFIG_VARIABLE,
  ...[options, ...(alsoReads === undefined ? [] : [alsoReads])].flatMap(({ definitions }) =>
    Object.values(definitions).flatMap(({ env }) => env ?? []),
  ),
];

const defaultConfigFile = (): string | undefined => (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : undefined);

/** Says what went wrong and what to do next; the stack only when asked for. */
function report(error: unknown, terminal: Terminal, debug: boolean, argv: readonly string[]): number {
  if (error instanceof CommanderError) {
    // Commander has printed the help or the version that was asked for.
    if (error.exitCode === 0) return EXIT.ok;
    // No command was given: Commander has answered with the list of them.
    if (error.code === 'commander.help') return EXIT.usage;
    const reason = error.message.replace(/^error: /, '').replaceAll(/\n\(Did you mean .*/g, '');
    terminal.note(`error UNKNOWN_OPTION: ${reason}${hintFor(error, argv)}`);
    terminal.note('Run `millrace --help`, or `millrace COMMAND --help`, for what there is.');
    return EXIT.usage;
  }
  const failure = toMillraceError(error);
  const { accepted } = failure.details;
  const more = accepted === undefined || failure.message.includes(accepted) ? '' : ` (accepted: ${accepted})`;
  terminal.note(`error ${failure.code}: ${failure.message}${more}`);
  if (debug) terminal.note(String(failure.stack));
  if (debug && failure.cause instanceof Error) terminal.note(`caused by ${failure.cause.stack}`);
  if (failure.code === 'INTERNAL' && !debug) terminal.note('Run the same with --debug to see where it happened.');
  return isUsage(failure) ? EXIT.usage : EXIT.failure;
}

/** What was typed is wrong, whether the command found out or the platform that it asked. */
const USAGE_CODES: readonly ErrorCode[] = [
  'INVALID_ARGUMENT',
  'INVALID_OPTION',
  'INVALID_PARAMETER',
  'MISSING_PARAMETER',
  'NOT_SUPPORTED',
  'RANGE_TOO_LONG',
  'UNKNOWN_OPTION',
  'UNKNOWN_SCHEME',
];

const isUsage = (error: MillraceError): boolean => USAGE_CODES.includes(error.code);

function hintFor({ code, message }: CommanderError, argv: readonly string[]): string {
  const typed = /'(-{0,2}[^' ]+)[^']*'/.exec(message)?.[1];
  if (typed === undefined) return '';
  if (code === 'commander.unknownCommand') {
    const group = argv[0] === typed ? '' : `${argv[0]} `;
    const names = commands.map(({ name }) => name).filter((name) => name.startsWith(group));
    return didYouMean(
      typed,
      names.map((name) => name.slice(group.length).split(' ')[0]!),
    );
  }
  if (code !== 'commander.unknownOption') return '';
  const flags = flagsOf(commandOf(argv)).map((flag) => `--${flag}`);
  return didYouMean(typed.split('=', 1)[0]!, flags);
}

function didYouMean(typed: string, known: readonly string[]): string {
  const nearest = nearestSpelling(typed, known);
  return nearest === undefined ? '' : `: did you mean ${nearest}?`;
}

const commandOf = (argv: readonly string[]): AnyCommand | undefined =>
  commands.find(({ name }) => argv.slice(0, name.split(' ').length).join(' ') === name);

const flagsOf = (command: AnyCommand | undefined): string[] => [
  ...Object.values(command?.options.definitions ?? {}).flatMap(({ flag }) => flag ?? []),
  'config',
  'debug',
  'help',
];
