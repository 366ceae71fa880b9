import { toMillraceError } from '@millrace/core';
import type { FaultKind, FaultRule } from '../faults/faults.ts';
import { RESULT } from '../protocol/result-code.ts';
import type { InfoFamily, InfoParameters } from './command.ts';
import { infoError, pairs } from './command.ts';

/** Faults from outside of the process; a real server has no commands of these names. */
export const faultCommands: InfoFamily = {
  'millrace-fault-add': ({ faults }, parameters) => {
    try {
      return `ok;id=${faults.add(ruleOf(parameters)).id}`;
    } catch (error) {
      return infoError(RESULT.parameter, toMillraceError(error).message);
    }
  },
  'millrace-fault-remove': ({ faults }, { named }) =>
    faults.remove(Number(named.get('id'))) ? 'ok' : infoError(RESULT.notFound, 'no fault of this id'),
  'millrace-fault-clear': ({ faults }) => {
    faults.clear();
    return 'ok';
  },
  'millrace-faults': ({ faults }) =>
    faults.list.map(({ id, struck, rule }) => `${pairs({ id, struck, ...rule }, ':')};`).join(''),
};

function ruleOf({ named }: InfoParameters): FaultRule {
  const namespace = named.get('namespace');
  const set = named.get('set');
  const commands = named.get('commands');
  const number = (name: string): number | undefined => (named.has(name) ? Number(named.get(name)) : undefined);
  const percent = number('percent');
  const times = number('times');
  const delayMs = number('delay-ms');
  return {
    kind: (named.get('kind') ?? '') as FaultKind,
    ...(namespace !== undefined && { namespace }),
    ...(set !== undefined && { set }),
    ...(commands !== undefined && { commands: commands as 'read' | 'write' | 'any' }),
    ...(percent !== undefined && { percent }),
    ...(times !== undefined && { times }),
    ...(delayMs !== undefined && { delayMs }),
  };
}
