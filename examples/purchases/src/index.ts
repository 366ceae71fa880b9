export * from './prepare-purchases.ts';
