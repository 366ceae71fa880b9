import { defineOptions, integerOption } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { table } from '../table.ts';
import { counted, visible } from '../terminal.ts';
import { timeOptions, timeRange } from '../time-options.ts';

interface TagAnswer {
  readonly time: string;
  readonly country: string;
  readonly device: string;
  readonly action: string;
  readonly origin: string;
  readonly product_info: {
    readonly product_id: string | number;
    readonly brand_id: string;
    readonly category_id: string;
    readonly price: number;
  };
}

interface ProfileAnswer {
  readonly cookie: string;
  readonly views: readonly TagAnswer[];
  readonly buys: readonly TagAnswer[];
}

/** All that a tag can be dated, as far as years are written with four digits. */
const ALL_TIMES = { from: 0, to: Date.UTC(9999, 11, 31) };

export const profileCommand = defineCommand({
  name: 'profile',
  summary: 'Show what a user has viewed and bought, newest first',
  options: defineOptions('profile', {
    ...clientOptions,
    ...timeOptions,
    limit: integerOption({
      flag: 'limit',
      default: 200,
      min: 0,
      max: 2 ** 31 - 1,
      description: 'At most so many views, and so many buys',
    }),
    json: jsonOption,
  }),
  args: [{ name: 'cookie', required: true, description: 'who' }],
  examples: ['millrace profile alice', 'millrace profile alice --last 1h --limit 10 --json'],
  async run({ terminal, options, args: [cookie = ''] }) {
    const platform = await findPlatform(options);
    const query = new URLSearchParams({
      time_range: timeRange(options, Date.now(), ALL_TIMES),
      limit: String(options.limit),
    });
    const profile = await platform.json<ProfileAnswer>(
      'GET',
      `/user_profiles/${encodeURIComponent(cookie)}?${query.toString()}`,
    );
    if (options.json) {
      terminal.print(JSON.stringify(profile));
      return EXIT.ok;
    }
    const { views, buys } = profile;
    terminal.print(`${visible(profile.cookie)}: ${counted(views.length, 'view')}, ${counted(buys.length, 'buy')}`);
    const tags = [...views, ...buys];
    if (tags.length > 0)
      terminal.print(
        table(
          terminal,
          COLUMNS,
          tags.map((tag) => rowOf(tag).map(visible)),
        ),
      );
    return EXIT.ok;
  },
});

const COLUMNS = [
  { name: 'Action' },
  { name: 'Time (UTC)' },
  { name: 'Product' },
  { name: 'Brand' },
  { name: 'Category' },
  { name: 'Price', align: 'right' },
  { name: 'Origin' },
  { name: 'Country' },
  { name: 'Device' },
] as const;

function rowOf({ action, time, country, device, origin, product_info: product }: TagAnswer): string[] {
  const { product_id: id, brand_id: brand, category_id: category, price } = product;
  return [
    action,
    time.slice(0, -1).replace('T', ' '),
    String(id),
    brand,
    category,
    String(price),
    origin,
    country,
    device,
  ];
}
