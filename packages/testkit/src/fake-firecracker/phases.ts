export const beforeStart = 'The requested operation is not supported before starting the microVM.';
export const afterStart = 'The requested operation is not supported after starting the microVM.';

/** Only before the start; afterwards `PUT /snapshot/load` is refused. */
export const bootResources: ReadonlySet<string> = new Set([
  'PUT /boot-source',
  'PUT /machine-config',
  'PATCH /machine-config',
  'PUT /drives/{id}',
  'PUT /network-interfaces/{id}',
  'PUT /pmem/{id}',
  'PUT /balloon',
  'PUT /mmds/config',
  'PUT /vsock',
  'PUT /entropy',
  'PUT /serial',
  'PUT /cpu-config',
  'PUT /hotplug/memory',
]);

/** Only before the start, and a snapshot can still be loaded. */
export const outputs: ReadonlySet<string> = new Set(['PUT /logger', 'PUT /metrics']);
