#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=50
// The flags keep the memory of a busy server from growing to what its busiest moment allocated; they cost no speed.
// Plain JavaScript that also an old Node.js can run, so that it can say what it needs.
/** Those that run for long. */
const SERVERS = ['up', 'frontend', 'processor'];
// glibc keeps what each thread has freed for that thread, unless it is told otherwise, and asks only when a process starts.
if (process.platform === 'linux' && SERVERS.includes(process.argv[2]) && process.env.MALLOC_ARENA_MAX === undefined) {
  const env = { ...process.env, MALLOC_ARENA_MAX: '2' };
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env);
}

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
