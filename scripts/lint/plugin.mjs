// Rules of this repository for oxlint, which loads a plugin by its default export.
import { imports } from './imports.mjs';

export default {
  meta: { name: 'millrace' },
  rules: { imports },
};
