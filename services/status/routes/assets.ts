import type { FastifyInstance } from 'fastify';
import { ASSETS } from '../page/assets.ts';

/** The pages' files. */
export function assetRoutes(app: FastifyInstance): void {
  for (const { path, type, content, etag } of Object.values(ASSETS)) {
    app.get(path, async (request, reply) => {
      // The page names its files with their hash: what is behind one such address never changes.
      reply.header('cache-control', 'public, max-age=31536000, immutable').header('etag', etag);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(content);
    });
  }
}
