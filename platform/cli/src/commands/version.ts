import { defineOptions } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { version, versionLine } from '../version.ts';

export const versionCommand = defineCommand({
  name: 'version',
  summary: 'Show the versions of Millrace and Node.js',
  options: defineOptions('version', { json: jsonOption }),
  examples: ['millrace version'],
  run({ terminal, options }) {
    const { node } = process.versions;
    terminal.print(options.json ? JSON.stringify({ millrace: version(), node }) : versionLine());
    return Promise.resolve(EXIT.ok);
  },
});
