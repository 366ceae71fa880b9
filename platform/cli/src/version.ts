import { readFileSync } from 'node:fs';

/** The version in this package's package.json, which lies beside `src` and `dist` alike. */
export function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** What `millrace version` and `millrace --version` print. */
export const versionLine = (): string => `millrace ${version()} (Node.js ${process.versions.node})`;
