import type { FileHandle } from 'node:fs/promises';

const LINE_FEED = 0x0a;

/** An earlier writer may have been killed within a line: what comes must not become part of it. For a file opened `a+`. */
export async function endLastLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) return;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  if (buffer[0] !== LINE_FEED) await file.appendFile('\n');
}
