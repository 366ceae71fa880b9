import type { ConnectionValues } from './address.ts';
import { namedInPath } from './path.ts';

/** What the path of a `redis://` URL says to publishers and subscribers: a database by its number, else a prefix of keys. */
export function keyPlace(
  url: URL,
  values: Pick<ConnectionValues, 'db'> & { readonly keyPrefix: string | undefined },
): { readonly db: number; readonly prefix: string } {
  const path = namedInPath(url);
  if (/^\d+$/.test(path)) return { db: Number(path), prefix: values.keyPrefix ?? '' };
  return { db: values.db, prefix: values.keyPrefix ?? (path === '' ? '' : `${path}:`) };
}
