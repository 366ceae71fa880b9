import { RESULT } from '../protocol/result-code.ts';
import type { InfoFamily } from './command.ts';
import { infoError } from './command.ts';

const unsupported = (what: string) => (): string =>
  infoError(RESULT.unsupportedFeature, `aerospike-dev has no ${what}`);

/** What a real server has and this one does not, said so that nobody searches for a mistake of their own. */
export const unsupportedCommands: InfoFamily = {
  'udf-put': unsupported('user-defined functions'),
  'udf-remove': unsupported('user-defined functions'),
  'udf-get': unsupported('user-defined functions'),
  'udf-list': () => '',
  'set-config': unsupported('configuration at run time: start it with the options you need'),
  racks: () => '',
  // Scans and queries in the background end before they are answered, so no job is ever under way.
  'query-show': () => infoError(RESULT.notFound, 'job not found'),
  'scan-show': () => infoError(RESULT.notFound, 'job not found'),
  'query-abort': () => infoError(RESULT.notFound, 'job not found'),
};
