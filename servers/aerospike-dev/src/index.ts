export type { AerospikeDev, FaultControl } from './aerospike-dev.ts';
export { NOTICE } from './aerospike-dev.ts';
export type { Fault, FaultKind, FaultRule } from './faults/faults.ts';
export { FAULT_KINDS } from './faults/faults.ts';
export type { AerospikeDevOptions } from './options.ts';
export { runAerospikeDev } from './run.ts';
export type { StartOptions } from './start.ts';
export { startAerospikeDev } from './start.ts';
