export * from './dead-letter-file.ts';
export * from './fan-in.ts';
export * from './fan-out.ts';
export * from './holder.ts';
export * from './metronome.ts';
export * from './router.ts';
