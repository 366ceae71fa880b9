/**
 * Who may import whom. The first line that matches a folder holds; a folder without a line is an error, so a new room
 * has to say what it may know. `@millrace/*` packages stand here by their folders.
 *
 * @type {readonly { folder: RegExp, mayImport: RegExp, because: string }[]}
 */
export const ROOMS = [
  { folder: /^(core|storage)$/, mayImport: /^$/, because: 'core and storage stand alone' },
  { folder: /^connectors\/[^/]+$/, mayImport: /^(core|storage)$/, because: 'a connector knows core and storage only' },
  { folder: /^servers\/[^/]+$/, mayImport: /^(core|storage)$/, because: 'a server knows core and storage only' },
  {
    folder: /^platform\/cli$/,
    mayImport: /^(core|platform\/(?!cli$)[^/]+|servers\/[^/]+|connectors\/aerospike)$/,
    because:
      'the command line puts core, the platform and the servers together and opens connectors through the registry; the data of the original platform is no contract of it',
  },
  {
    folder: /^platform\/[^/]+$/,
    mayImport: /^core$/,
    because:
      'the platform knows core only: open a connector by URL through the registry (openEventLog, openStateReader ...)',
  },
  {
    folder: /^testkit$/,
    mayImport: /^(core|storage|servers\/[^/]+)$/,
    because: 'the test kit knows core and storage, and starts the servers that stand in for real ones',
  },
  {
    folder: /^bench$/,
    mayImport: /^(?!platform\/cli$)/,
    because: 'nothing imports the command line: start it as a process',
  },
  {
    folder: /^examples\/[^/]+$/,
    mayImport: /^(core|connectors\/[^/]+|servers\/[^/]+)$/,
    because: 'an example uses what a user would',
  },
  { folder: /^scripts$/, mayImport: /^$/, because: 'scripts must run before anything is built' },
];

/** Tests of any room may use these besides: the test kit, and the servers that stand in for real ones. */
export const TEST_ROOMS = /^(testkit|servers\/[^/]+)$/;
