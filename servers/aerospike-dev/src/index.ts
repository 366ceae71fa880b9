export const NAME = 'aerospike-dev';
