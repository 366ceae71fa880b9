import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { MillraceError, booleanOption, choiceOption, defineOptions, integerOption, stringOption } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { progressBar } from '../progress-bar.ts';
import type { Cursor } from '../replay/cursor.ts';
import { CursorFile } from '../replay/cursor.ts';
import { parsePairs } from '../replay/mapping.ts';
import { parseSpeed, runReplay } from '../replay/run.ts';
import { counted, grouped } from '../terminal.ts';

/** Wrong lines that are shown one by one; the others are counted. */
const SHOWN_ERRORS = 100;

export const replayCommand = defineCommand({
  name: 'replay',
  summary: 'Send the user tags of a file (NDJSON or CSV), from where an earlier run has ended',
  options: defineOptions('replay', {
    ...clientOptions,
    format: choiceOption({
      flag: 'format',
      choices: ['ndjson', 'csv'],
      optional: true,
      description: 'By default csv for names that end in .csv or .tsv, else ndjson',
    }),
    delimiter: stringOption({
      flag: 'delimiter',
      optional: true,
      minLength: 1,
      description: 'Between the columns of CSV; by default a comma, and a tab for .tsv',
    }),
    map: stringOption({
      flag: 'map',
      optional: true,
      description: 'field=column: take a field of the tag from this column',
    }),
    set: stringOption({ flag: 'set', optional: true, description: 'field=value: the same value in every tag' }),
    rate: integerOption({
      flag: 'rate',
      default: 0,
      min: 0,
      max: 10_000_000,
      description: 'Tags per second; 0 is as fast as possible',
    }),
    speed: stringOption({
      flag: 'speed',
      optional: true,
      description: 'Pace by the time of the events: 60x sends an hour of them in a minute',
    }),
    restart: booleanOption({
      flag: 'restart',
      default: false,
      description: 'Begin at the start of the file, whatever was sent before',
    }),
    strict: booleanOption({
      flag: 'strict',
      default: false,
      description: 'Stop after the first request with a wrong line, exit code 1',
    }),
    json: jsonOption,
  }),
  args: [{ name: 'file', required: true, description: 'file, or - for standard input' }],
  repeatable: ['map', 'set'],
  examples: [
    'millrace replay events.ndjson',
    'millrace replay visits.csv --map cookie=user_id --map time=timestamp --set device=PC --set country=PL',
    'zcat events.ndjson.gz | millrace replay - --speed 60x',
  ],
  async run({ options, terminal, interrupted, args: [name = ''] }) {
    const file = name === '-' ? undefined : name;
    if (file !== undefined && !existsSync(file)) {
      throw new MillraceError('INVALID_ARGUMENT', `there is no file ${file}`, { field: 'file', value: file });
    }
    const mapping = { columns: parsePairs('--map', options.map), constants: parsePairs('--set', options.set) };
    const speed = parseSpeed(options.speed);
    const platform = await findPlatform(options);
    const target = options.url ?? 'data directory';
    const cursorFile = file === undefined ? undefined : await CursorFile.of(file, options.data, target);
    if (options.restart) await cursorFile?.reset();
    const start = (await cursorFile?.read()) ?? startOfInput();
    if (start.position > 0) {
      const done = `the lines before ${grouped(start.line)} were sent by an earlier run`;
      terminal.note(`Going on: ${done}; --restart begins at the start.`);
    }
    const bar = progressBar(terminal);
    let shown = 0;
    const report = await runReplay(
      platform,
      {
        file,
        stdin: terminal.stdin,
        format: options.format ?? (/\.[ct]sv$/i.test(name) ? 'csv' : 'ndjson'),
        delimiter: options.delimiter ?? (/\.tsv$/i.test(name) ? '\t' : ','),
        mapping,
        rate: options.rate,
        speed,
        strict: options.strict,
      },
      cursorFile,
      start,
      {
        progress: (share, accepted, perSecond) =>
          bar.show(share ?? 0, `${grouped(accepted)} tags, ${grouped(perSecond)}/s`),
        wrongLine({ line, message }) {
          if (shown++ < SHOWN_ERRORS) terminal.note(`line ${line}: ${message}`);
        },
      },
      interrupted,
    ).finally(() => bar.done());
    if (shown > SHOWN_ERRORS) terminal.note(`... and more wrong lines; all are counted below`);
    if (options.json) terminal.print(JSON.stringify(report));
    else {
      const { accepted, rejected, seconds, perSecond } = report;
      terminal.print(
        `${counted(accepted, 'tag')} accepted, ${counted(rejected, 'line')} rejected in ${grouped(seconds)} s: ${grouped(perSecond)}/s`,
      );
    }
    if (report.finished) return EXIT.ok;
    if (!interrupted.aborted) return EXIT.failure;
    if (file !== undefined) terminal.note('Stopped before the end: the same command goes on from here.');
    return EXIT.interrupted;
  },
});

const startOfInput = (): Cursor => ({
  replay: randomUUID(),
  file: '-',
  position: 0,
  line: 1,
  sendingTo: undefined,
  accepted: 0,
  rejected: 0,
  hash: '',
});
