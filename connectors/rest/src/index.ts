import type { Connector } from '@millrace/core';

export const connector: Connector = {};
