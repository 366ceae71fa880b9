/*
 * What the state stores of all backends share: checks, codecs, dictionaries, the event clock, and the scan that answers
 * rollup queries. For connectors, as `@millrace/core/state`.
 */
export * from './accept.ts';
export * from './bytes.ts';
export * from './columns.ts';
export * from './commit-times.ts';
export * from './dead-letters.ts';
export * from './dictionary-log.ts';
export * from './dictionary.ts';
export * from './event-clock.ts';
export * from './int32.ts';
export * from './merge.ts';
export * from './minute-rows.ts';
export * from './minute-table.ts';
export * from './partition-view.ts';
export * from './rollup-plan.ts';
export * from './rollup-scan.ts';
export * from './row-codec.ts';
export * from './serial-steps.ts';
export * from './settings.ts';
export * from './time.ts';
export * from './timeline.ts';
export * from './warm-up.ts';
