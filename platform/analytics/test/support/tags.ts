import type { UserTag } from '../../src/tag.ts';

export const someTag = (changes: Partial<UserTag> = {}): UserTag => ({
  time: Date.UTC(2022, 2, 22, 12, 15),
  cookie: 'alice',
  country: 'PL',
  device: 'PC',
  action: 'VIEW',
  origin: 'shop',
  productId: 7,
  brandId: 'Nike',
  categoryId: 'shoes',
  price: 1000,
  ...changes,
});
