export { composeServer } from './compose.ts';
export type { ComposedServer, Composition } from './compose.ts';
export { defineConfig } from './config.ts';
export type { Factory, FactoryContext, SallyportConfig } from './config.ts';
export { createHttpServer } from './http-server.ts';
export type { HttpServerOptions } from './http-server.ts';
export { loadConfig } from './load-config.ts';
export type { LoadedConfig } from './load-config.ts';
export { serve } from './serve.ts';
