import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KafkaServer,
  type MillraceProcess,
  type RedisServer,
  startKafka,
  startMillrace,
  startRedis,
} from '@millrace/testkit';
import type { Fence } from './fences.ts';

/** `npm start` or `npx millrace up`, with its flags: the last command of a block, because it does not end. */
const START = /^(?:npm start(?: --)?|npx millrace up)((?: --?[\w./-]+(?: \w+)?)*)$/;

/** Where a document looks for a server: it gets one of the session's own. */
const REDIS = 'localhost:6379';
const KAFKA = 'localhost:9092';

/** For one command, or for the platform to catch up; on the busiest machine. */
const LONGEST_MS = 300_000;

/**
 * Runs the blocks of one document like a reader who has two terminals and a fresh checkout: the platform that the
 * document starts has a free port instead of 8080 and a directory of its own instead of `dataDirectory`.
 */
export class DocumentSession {
  readonly #root: string;
  /** Programs of the document are written here; programs and commands run here. */
  readonly #folder: string;
  readonly #dataDirectory: string;
  #platform: MillraceProcess | undefined;
  #redis: RedisServer | undefined;
  #kafka: KafkaServer | undefined;

  constructor(root: string, folder: string, dataDirectory: string) {
    this.#root = root;
    this.#folder = folder;
    this.#dataDirectory = dataDirectory;
  }

  /** What the block prints, with the addresses and the directory that the document names. */
  async run(fence: Fence): Promise<string> {
    const output = fence.language === 'ts' ? await this.#runProgram(fence) : await this.#runCommands(fence.code);
    return output
      .replaceAll(this.#platform?.url ?? 'http://127.0.0.1:8080', 'http://127.0.0.1:8080')
      .replaceAll(` --data ${this.#data}`, '')
      .replaceAll(this.#data, this.#dataDirectory)
      .replaceAll(`127.0.0.1:${this.#redis?.port}`, REDIS)
      .replaceAll(`127.0.0.1:${this.#kafka?.port}`, KAFKA);
  }

  async close(): Promise<void> {
    await this.#platform?.stop();
    await this.#redis?.stop();
    await this.#kafka?.stop();
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #runProgram({ code, line }: Fence): Promise<string> {
    const file = join(this.#folder, `program-${line}.ts`);
    await writeFile(file, await this.#withServers(code));
    return this.#execute(process.execPath, [file]);
  }

  async #withServers(code: string): Promise<string> {
    if (code.includes(REDIS)) this.#redis ??= await startRedis({ appendOnly: true });
    if (code.includes(KAFKA)) this.#kafka ??= await startKafka();
    const [redis, kafka] = [this.#redis, this.#kafka].map((server) => `127.0.0.1:${server?.port}`);
    return code.replaceAll(REDIS, redis!).replaceAll(KAFKA, kafka!);
  }

  async #runCommands(code: string): Promise<string> {
    const lines = code.trimEnd().split('\n');
    const start = START.exec(lines.at(-1)!);
    const commands = start === null ? lines : lines.slice(0, -1);
    // No platform is asked before it has applied what it was told: a reader is not that fast.
    await this.#caughtUp();
    const output =
      commands.length === 0 ? '' : await this.#execute('sh', ['-c', await this.#local(commands.join('\n'))]);
    return start === null ? output : output + (await this.#start(start[1]!.split(' ').filter((word) => word !== '')));
  }

  async #start(flags: readonly string[]): Promise<string> {
    const platform = await startMillrace({ dataDirectory: this.#data, arguments: flags });
    this.#platform = platform;
    // It is ready a moment before it has said so.
    await until(() => platform.output().includes('Ctrl-C'));
    return platform.output();
  }

  async #local(commands: string): Promise<string> {
    const { host } = new URL(this.#platform?.url ?? 'http://127.0.0.1:8080');
    return (await this.#withServers(commands))
      .replaceAll(/\b(?:localhost|127\.0\.0\.1):8080\b/g, host)
      .replaceAll(`./${this.#dataDirectory}`, this.#data)
      .replaceAll('npx ', '');
  }

  async #execute(file: string, args: readonly string[]): Promise<string> {
    // curl shows its progress when it does not write to a terminal.
    await writeFile(join(this.#folder, '.curlrc'), 'no-progress-meter\n');
    const env = {
      ...process.env,
      NO_COLOR: '1',
      CURL_HOME: this.#folder,
      MILLRACE_DATA: this.#data,
      PATH: [join(this.#root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
    };
    return new Promise((resolve) => {
      // A document may show a command that fails: what it prints is compared, not how it ends.
      const options = { cwd: this.#folder, env, timeout: LONGEST_MS };
      execFile(file, args, options, (error, stdout, stderr) => {
        const ended = error?.killed === true ? `(ended after ${LONGEST_MS} ms)` : '';
        resolve(stdout + stderr + ended);
      });
    });
  }

  async #caughtUp(): Promise<void> {
    if (this.#platform === undefined) return;
    const { url } = this.#platform;
    await until(async () => {
      const answer = await fetch(`${url}/admin/status`);
      const { accepted, applied, duplicates } = (await answer.json()) as Status;
      return applied + duplicates >= accepted;
    });
  }
}

/** The figures that are looked at. */
interface Status {
  readonly accepted: number;
  readonly applied: number;
  readonly duplicates: number;
}

/** @throws an Error when it takes longer than any sound platform would */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('the platform has not caught up');
    await sleep(20);
  }
}
