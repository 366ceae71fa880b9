import type { OptionRow } from '@millrace/core';
import { describeOptions } from '@millrace/core';
import { Command as Program, Option } from 'commander';
import type { AnyCommand } from './command.ts';
import type { Terminal } from './terminal.ts';
import { versionLine } from './version.ts';

/** A command line after parsing, before its options are resolved. */
export interface Invocation {
  readonly command: AnyCommand;
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly config: string | undefined;
  readonly debug: boolean;
}

/** The parser for the table of commands: every flag, its default and its help come from the command's options. */
export function buildProgram(
  commands: readonly AnyCommand[],
  terminal: Terminal,
  onInvocation: (invocation: Invocation) => void,
): Program {
  const program = prepared(new Program('millrace'), terminal)
    .description('User profiles and one-minute aggregates from a stream of events')
    .version(versionLine(), '--version', 'the same as the command version')
    .enablePositionalOptions();
  const groups = new Map<string, Program>();
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ');
    let parent = program;
    if (second !== undefined) {
      parent = groups.get(first) ?? group(program, first, commands, terminal);
      groups.set(first, parent);
    }
    parent.addCommand(subcommand(command, second ?? first, terminal, onInvocation));
  }
  return program;
}

function group(program: Program, name: string, commands: readonly AnyCommand[], terminal: Terminal): Program {
  const words = commands.flatMap((command) => (command.name.startsWith(`${name} `) ? command.name.split(' ')[1]! : []));
  const created = prepared(new Program(name), terminal).description(`${words.join(', ')}: see the help of each`);
  program.addCommand(created);
  return created;
}

function subcommand(
  command: AnyCommand,
  name: string,
  terminal: Terminal,
  onInvocation: (invocation: Invocation) => void,
): Program {
  const created = prepared(new Program(name), terminal).description(command.summary);
  for (const { name: argument, required, description } of command.args ?? []) {
    created.argument(required ? `<${argument}>` : `[${argument}]`, description);
  }
  const rows = describeOptions(command.options);
  for (const row of rows) {
    if (row.flag !== undefined) created.addOption(optionOf(row, command.repeatable?.includes(row.flag) === true));
  }
  created.option('--config <file>', 'configuration file (TOML); default millrace.toml where there is one');
  created.option('--debug', 'show where an error happened');
  created.addHelpText('after', helpAfter(command, rows));
  created.action(() => {
    const { config, debug, ...flags } = created.opts<{ config?: string; debug?: boolean }>();
    onInvocation({ command, args: created.args, flags, config, debug: debug === true });
  });
  return created;
}

function prepared(program: Program, terminal: Terminal): Program {
  return program
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      // Errors are printed once, by the caller, in the form of all errors; the help that stands for one is kept.
      writeErr: (text) => void (text.startsWith('error:') ? undefined : terminal.stderr.write(text)),
    });
}

/** Defaults are shown and not set: only what was typed may override the environment and the file. */
function optionOf({ flag, boolean, description, default: preset, env }: OptionRow, repeatable: boolean): Option {
  const option = new Option(boolean ? `--${flag}` : `--${flag} <${placeholder(flag!)}>`, helpText());
  if (repeatable)
    option.argParser((text: string, before: string | undefined) => (before ? `${before}\n${text}` : text));
  return option;

  function helpText(): string {
    const notes = [
      ...(preset === undefined || boolean ? [] : [`default ${preset}`]),
      ...(env === undefined ? [] : [`environment ${env}`]),
      ...(repeatable ? ['repeatable'] : []),
    ];
    return notes.length === 0 ? description : `${description} (${notes.join(', ')})`;
  }
}

const placeholder = (flag: string): string => flag.split('-').at(-1)!;

function helpAfter({ examples }: AnyCommand, rows: readonly OptionRow[]): string {
  const variables = rows.filter(({ flag, env }) => flag === undefined && env !== undefined);
  const width = Math.max(0, ...variables.map(({ env }) => env!.length));
  const environment = variables.map(
    ({ env, description, default: preset }) =>
      `\n  ${env!.padEnd(width)}  ${description}${preset === undefined ? '' : ` (default ${preset})`}`,
  );
  return [
    ...(environment.length === 0 ? [] : [`\nEnvironment only:${environment.join('')}`]),
    `\nExamples:${examples.map((example) => `\n  ${example}`).join('')}`,
  ].join('\n');
}
