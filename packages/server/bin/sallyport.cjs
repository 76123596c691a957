#!/usr/bin/env node
'use strict';
// The `sallyport` command. Plain old JavaScript on purpose: it must run on the Node it refuses.
var parts = process.versions.node.split('.').map(Number);
if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 18)) {
  console.error(
    'Sallyport needs Node 22.18 or newer, and this is ' +
      process.version +
      '. Install a newer Node from https://nodejs.org and run the same command again.',
  );
  process.exit(1);
}
void import('../dist/main.js');
