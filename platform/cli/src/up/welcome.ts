import { dataFlag, quoted } from '../shell.ts';
import type { Terminal } from '../terminal.ts';

export interface WelcomeFacts {
  /** Where this machine reaches the platform. */
  readonly url: string;
  /** Where it listens, which may be more than that. */
  readonly listening: string;
  readonly data: string;
  /** Where log and state are, in words. */
  readonly place: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const MINUTE_MS = 60_000;

/** Where the platform is, and what to try next: lines that work when pasted. */
export function welcome(
  { url, listening, data, place, now }: WelcomeFacts,
  { colors }: Pick<Terminal, 'colors'>,
): string[] {
  const minute = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const range = `${bucket(minute)}_${bucket(minute + 10 * MINUTE_MS)}`;
  const tag = {
    time: new Date(now).toISOString(),
    cookie: 'alice',
    country: 'PL',
    device: 'PC',
    action: 'BUY',
    origin: 'shop',
    product_info: { product_id: 1, brand_id: 'Nike', category_id: 'shoes', price: 1999 },
  };
  const elsewhere = listening === url ? '' : ` (it listens on ${listening})`;
  const at = dataFlag(data);
  return [
    `${colors.bold(colors.green('millrace'))} is running at ${colors.bold(url)}${elsewhere}, its ${place}`,
    '',
    'Send a tag, then ask for the profile and the minutes:',
    `  curl -i ${url}/user_tags -H 'content-type: application/json' -d ${quoted(JSON.stringify(tag))}`,
    `  curl '${url}/user_profiles/alice?time_range=${bucket(minute - MINUTE_MS)}_${bucket(minute + 1440 * MINUTE_MS)}'`,
    `  curl '${url}/aggregates?time_range=${range}&action=BUY&brand_id=Nike&aggregates=COUNT&aggregates=SUM_PRICE'`,
    'Or in a second terminal:',
    `  npx millrace profile alice${at}`,
    `  npx millrace aggregates --action BUY${at}`,
    `  npx millrace load --rate 1000 --count 20000${at}`,
    `Interface: ${url}/docs   Metrics: ${url}/metrics   Stop: Ctrl-C`,
    '',
  ];
}

const bucket = (ms: number): string => new Date(ms).toISOString().slice(0, 19);

/** "Every address" is none that can be connected to on all systems; this machine is reached by loopback. */
export function reachableUrl(listening: string): string {
  return listening.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}

/** "data in DIR", or "log in ... and state in ..." with the servers in place of the directory. */
export function placeOf({ data, logUrl, stateUrl }: { data: string; logUrl: string; stateUrl: string }): string {
  const embedded = `embedded:${data}`;
  if (logUrl === embedded && stateUrl === embedded) return `data in ${data}`;
  return `log in ${shown(logUrl)} and state in ${shown(stateUrl)}`;
}

/** Without the user and the options, which may hold secrets. */
const shown = (url: string): string =>
  url
    .replace(/\/\/[^@/]*@/, '//')
    .replace(/\?.*/, '')
    .replace(/^embedded:/, '');
