#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=8 --heap-growing-percent=50
// These keep the memory of a busy server from growing to what its busiest moment allocated, in each of its threads; they
// cost no speed.
// Plain JavaScript that also an old Node.js can run, so that it can say what it needs.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 22)) {
  await import('../src/main.ts');
} else {
  process.stderr.write(
    `error: millrace needs Node.js 22.22 or later, and this is ${process.version} (${process.execPath}).\n` +
      'In a checkout, `npm install` brings a Node.js 24 along: start the command with `npx millrace`.\n',
  );
  process.exitCode = 1;
}
