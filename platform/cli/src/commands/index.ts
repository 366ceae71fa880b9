import type { AnyCommand } from '../command.ts';
import { aerospikeDevCommand } from './aerospike-dev.ts';
import { aggregatesCommand } from './aggregates.ts';
import { configCommand } from './config.ts';
import { deadLettersListCommand } from './dead-letters-list.ts';
import { deadLettersRetryCommand } from './dead-letters-retry.ts';
import { deadLettersShowCommand } from './dead-letters-show.ts';
import { flowRunCommand } from './flow-run.ts';
import { frontendCommand } from './frontend.ts';
import { loadCommand } from './load.ts';
import { migrateAerospikeV1Command } from './migrate-aerospike-v1.ts';
import { processorCommand } from './processor.ts';
import { profileCommand } from './profile.ts';
import { pubCommand } from './pub.ts';
import { replayCommand } from './replay.ts';
import { statusCommand } from './status.ts';
import { subCommand } from './sub.ts';
import { upCommand } from './up.ts';
import { versionCommand } from './version.ts';

/** Every command. A new one is a file beside this and a line here. */
export const commands: readonly AnyCommand[] = [
  upCommand,
  frontendCommand,
  processorCommand,
  loadCommand,
  replayCommand,
  profileCommand,
  aggregatesCommand,
  statusCommand,
  deadLettersListCommand,
  deadLettersShowCommand,
  deadLettersRetryCommand,
  pubCommand,
  subCommand,
  flowRunCommand,
  migrateAerospikeV1Command,
  aerospikeDevCommand,
  configCommand,
  versionCommand,
];
