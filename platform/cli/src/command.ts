import type { ConfigFile, Logger, OptionDefinitions, OptionValues, Options, ResolvedOptions } from '@millrace/core';
import type { Terminal } from './terminal.ts';

/** Exit codes of every command; the last two are those of a shell for SIGINT and SIGPIPE. */
export const EXIT = { ok: 0, failure: 1, usage: 2, interrupted: 130, readerGone: 141 } as const;

/** A positional argument: `<name>` is required, `[name]` is not. */
export interface CommandArgument {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts when the user interrupts the command, which then ends as soon as it can leave things in order. */
  readonly interrupted: AbortSignal;
  /** Show the stack of errors. */
  readonly debug: boolean;
  /** Configuration file in use, if any. */
  readonly configFile: ConfigFile | undefined;
  /** What connectors have to tell whoever typed a command: lines for a person, wherever these go. */
  readonly warnings: Logger;
  logger(level: 'debug' | 'info' | 'warn' | 'error'): Logger;
}

/** What the command was called with, after all checks. */
export interface CommandInput<D extends OptionDefinitions> extends CommandContext {
  readonly options: OptionValues<Options<D>>;
  readonly resolved: ResolvedOptions<Options<D>>;
  readonly args: readonly string[];
}

/** One command: what `--help`, the tables of docs/cli.md and the checks of its options are made from. */
export interface Command<D extends OptionDefinitions = OptionDefinitions> {
  /** One word, or group and word: `dead-letters list`. */
  readonly name: string;
  readonly summary: string;
  readonly options: Options<D>;
  readonly args?: readonly CommandArgument[];
  /** Options that it takes from the environment beside its own. */
  readonly alsoReads?: Options;
  /** Flags that may be given several times; their texts are joined by line feeds. */
  readonly repeatable?: readonly string[];
  /** Whole command lines, as a person would type them. */
  readonly examples: readonly string[];
  /** Resolves with the exit code. */
  run(input: CommandInput<D>): Promise<number>;
}

/** A command of the table, its option types hidden: they matter only to its own `run`. */
export type AnyCommand = Omit<Command, 'run'> & { run(input: CommandInput<OptionDefinitions>): Promise<number> };

/** Keeps the types of the options for `run`. */
export const defineCommand = <const D extends OptionDefinitions>(command: Command<D>): AnyCommand => ({
  ...command,
  // The command line hands over what `command.options` resolved to, and nothing else.
  run: (input) => command.run(input as unknown as CommandInput<D>),
});
