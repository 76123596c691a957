export * from './fake-internet/control.ts';
export * from './fake-internet/egress-client.ts';
export * from './fake-internet/fake-internet.ts';
export type * from './fake-internet/request-log.ts';
export * from './fake-internet/site.ts';
export * from './clock.ts';
export type * from './runner.ts';
export * from './store.ts';
