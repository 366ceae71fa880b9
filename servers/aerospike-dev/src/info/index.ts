import { RESULT } from '../protocol/result-code.ts';
import { clusterCommands } from './cluster.ts';
import type { InfoContext, InfoFamily, InfoParameters } from './command.ts';
import { infoError } from './command.ts';
import { faultCommands } from './faults.ts';
import { indexCommands } from './indexes.ts';
import { namespaceCommands } from './namespaces.ts';
import { nodeCommands } from './node.ts';
import { truncateCommands } from './truncate.ts';
import { unsupportedCommands } from './unsupported.ts';

const COMMANDS: InfoFamily = {
  ...nodeCommands,
  ...clusterCommands,
  ...namespaceCommands,
  ...truncateCommands,
  ...indexCommands,
  ...faultCommands,
  ...unsupportedCommands,
};

/** What a client that names no command is told. */
const DEFAULT_COMMANDS = ['node', 'build', 'version', 'edition', 'cluster-name', 'statistics'];

/** Answers the commands of one info request, one a line. */
export function answerInfo(context: InfoContext, request: string): string {
  const lines = request.split('\n').filter((line) => line !== '');
  return (lines.length === 0 ? DEFAULT_COMMANDS : lines).map((line) => `${line}\t${answer(context, line)}\n`).join('');
}

function answer(context: InfoContext, line: string): string {
  const name = /^[^:/]*/.exec(line)![0];
  const handler = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (handler === undefined) return infoError(RESULT.parameter, `aerospike-dev does not know the command ${name}`);
  return handler(context, parameters(line.slice(name.length)));
}

function parameters(rest: string): InfoParameters {
  const path = rest.startsWith('/')
    ? rest
        .slice(1)
        .split('/')
        .filter((part) => part !== '')
    : [];
  const named = new Map<string, string>();
  if (rest.startsWith(':')) {
    for (const pair of rest.slice(1).split(';')) {
      const equals = pair.indexOf('=');
      if (equals > 0) named.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
  }
  return { path, named };
}
