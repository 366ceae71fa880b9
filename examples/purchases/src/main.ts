import { parseArgs } from 'node:util';
import { preparePurchases } from './prepare-purchases.ts';

const { values } = parseArgs({ options: { directory: { type: 'string', default: '.cache/purchases' } } });
const files = await preparePurchases(values.directory, console.error);
console.log(files.ndjson);
