import { describe, expect, it } from 'vitest';
import { tableBelow, tableRows } from '@millrace/testkit';

const PAGE = `# A page

| a   | b |
| --- | :-: |
| - 1 | x \\| y |
|     | |

## Options

Text.

| c |
|---|
| 2 |
`;

describe('tables of a Markdown text', () => {
  it('are their rows without padding and separators', () => {
    expect(tableRows(PAGE)).toEqual([['a', 'b'], ['- 1', 'x \\| y'], ['', ''], ['c'], ['2']]);
    expect(tableRows('no table')).toEqual([]);
  });

  it('are found by the heading above them', () => {
    expect(tableBelow('## Options', PAGE)).toEqual([['c'], ['2']]);
    expect(tableBelow('# A page', PAGE)).toHaveLength(3);
    expect(() => tableBelow('## Option', PAGE)).toThrow('there is no line "## Option"');
    expect(() => tableBelow('## Options', PAGE.replaceAll('|', ''))).toThrow('there is no table below "## Options"');
  });
});
