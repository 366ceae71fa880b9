// A beat at a steady pace: as messages to receive, and as messages that are published.
import { HolderPublisher, MetronomeSubscriber, publishMetronome } from '@millrace/core';

const metronome = new MetronomeSubscriber('beats', { interval: '50ms', message: 'tick' });
await metronome.start();
for (let count = 0; count < 2; count++) console.log((await metronome.next())?.value);
await metronome.close();

const holder = new HolderPublisher('held');
await holder.start();
const end = new AbortController();
const beating = publishMetronome(holder, { interval: 0.02, message: 'tock', signal: end.signal });
setTimeout(() => end.abort(), 200);
console.log('as many as published:', (await beating) === holder.getPublishedMessages().length);
await holder.close();

// Prints:
// { message: 'tick', current_timestamp: '...' }
// { message: 'tick', current_timestamp: '...' }
// as many as published: true
