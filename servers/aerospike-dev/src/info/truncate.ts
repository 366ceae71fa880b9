import type { InfoContext, InfoFamily, InfoParameters } from './command.ts';
import { infoError } from './command.ts';

/** Emptying a set or a namespace. */
export const truncateCommands: InfoFamily = {
  truncate,
  'truncate-namespace': truncate,
  'truncate-undo': () => 'ok',
  'truncate-namespace-undo': () => 'ok',
};

function truncate({ database }: InfoContext, { named }: InfoParameters): string {
  const namespace = database.namespace(named.get('namespace') ?? '');
  if (namespace === undefined) return infoError(4, 'bad or missing namespace');
  const set = named.get('set');
  const now = Date.now();
  const lut = named.get('lut');
  // Nanoseconds since 1970.
  const before = lut === undefined || lut === '0' ? now : Number(BigInt(lut) / 1_000_000n);
  if (before > now) return infoError(4, 'lut is in the future');
  namespace.truncate(set === undefined ? undefined : Buffer.from(set).toString('latin1'), before);
  return 'ok';
}
