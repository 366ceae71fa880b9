import { defineOptions } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import type { DeadLetterAnswer } from '../dead-letters.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../terminal.ts';

const BYTES_PER_LINE = 16;

export const deadLettersShowCommand = defineCommand({
  name: 'dead-letters show',
  summary: 'Show one dead letter and its bytes',
  options: defineOptions('dead-letters-show', { ...clientOptions, json: jsonOption }),
  args: [{ name: 'id', required: true, description: 'as `dead-letters list` shows it' }],
  examples: ['millrace dead-letters show 3-4711'],
  async run({ terminal, options, args: [id = ''] }) {
    const platform = await findPlatform(options);
    const letter = await platform.json<DeadLetterAnswer>('GET', `/admin/dead-letters/${encodeURIComponent(id)}`);
    if (options.json) terminal.print(JSON.stringify(letter));
    else print(terminal, letter);
    return EXIT.ok;
  },
});

function print(terminal: Terminal, { id, appendedAt, code, reason, key, value }: DeadLetterAnswer): void {
  terminal.print(`id        ${id}`);
  terminal.print(`appended  ${appendedAt}`);
  terminal.print(`error     ${code}: ${visible(reason)}`);
  terminal.print(`key       ${key === null ? '(none)' : visible(key)}`);
  const bytes = Buffer.from(value, 'base64');
  terminal.print(`value     ${bytes.length} bytes`);
  for (let at = 0; at < bytes.length; at += BYTES_PER_LINE) terminal.print(hexLine(bytes, at));
}

/** As `hexdump -C` prints it. */
function hexLine(bytes: Buffer, at: number): string {
  const line = bytes.subarray(at, at + BYTES_PER_LINE);
  const hex = [...line].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = line.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
  return `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * BYTES_PER_LINE)} |${text}|`;
}
