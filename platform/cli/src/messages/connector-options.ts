import { MillraceError, stringOption } from '@millrace/core';

/** For commands that open a connector; repeatable. */
export const connectorOption = stringOption({
  flag: 'option',
  optional: true,
  description: 'name=value: an option of the connector, or of every publisher or subscriber',
});

/** `batch_size=100`, one per line. @throws INVALID_OPTION */
export function parseConnectorOptions(text: string | undefined): Record<string, string> {
  return Object.fromEntries(
    (text === undefined ? [] : text.split('\n')).map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      const accepted = 'name=value, such as batch_size=100';
      // It may be a password whose name was forgotten: it is not shown.
      throw new MillraceError('INVALID_OPTION', `--option is not ${accepted}`, { field: '--option', accepted });
    }),
  );
}
