import { booleanOption } from '@millrace/core';

/** For programs: what is shown as a table otherwise. */
export const jsonOption = booleanOption({ flag: 'json', default: false, description: 'Print JSON instead of a table' });
