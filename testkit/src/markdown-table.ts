/**
 * The rows of all tables of a Markdown text, each as its cells without their padding. Lines that separate a table's head
 * from its body are none; an escaped `|` stays in its cell, with its backslash.
 */
export function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .trimEnd()
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
}

/**
 * As `tableRows`, of the first table below a heading.
 *
 * @param heading the whole line: `## Options`
 * @throws Error when there is no such line, or no table below it
 */
export function tableBelow(heading: string, text: string): string[][] {
  const lines = text.split('\n');
  const at = lines.indexOf(heading);
  if (at === -1) throw new Error(`there is no line "${heading}"`);
  const first = lines.findIndex((line, index) => index > at && line.startsWith('|'));
  if (first === -1) throw new Error(`there is no table below "${heading}"`);
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'));
  return tableRows(lines.slice(first, end === -1 ? undefined : end).join('\n'));
}
