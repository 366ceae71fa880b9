import { runCli } from './cli.ts';

const code = await runCli(process.argv.slice(2), process);
// Not `process.exitCode`: a command is over when it says so, whatever keep-alive sockets are still open. What it has
// written is first let through.
process.stderr.write('', () => process.stdout.write('', () => process.exit(code)));
