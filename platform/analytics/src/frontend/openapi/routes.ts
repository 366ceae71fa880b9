import { Type } from 'typebox';
import type { Route, RouteDescription } from '../route.ts';

/**
 * `/openapi.json`, `/docs` and the list of routes at `/`. What they answer is made, and the code for it loaded, when
 * it is first asked for: none of it may slow the start.
 *
 * @param all gives all routes, these included
 */
export function documentationRoutes(all: () => readonly RouteDescription[]): readonly Route[] {
  let document: string | undefined;
  let page: string | undefined;
  return [
    {
      methods: ['GET'],
      path: '/',
      summary: 'What there is',
      answers: { 200: { description: 'the routes', schema: Type.Object({}) } },
      handler: () => ({
        name: 'millrace analytics',
        docs: '/docs',
        routes: Object.fromEntries(
          all().map(({ methods, path, summary }) => [`${methods.join(',')} ${path}`, summary]),
        ),
      }),
    },
    {
      methods: ['GET'],
      path: '/openapi.json',
      summary: 'This interface as an OpenAPI document',
      answers: { 200: { description: 'OpenAPI 3.1', schema: Type.Object({}) } },
      async handler(_request, reply) {
        const { openApiDocument } = await import('./document.ts');
        document ??= JSON.stringify(openApiDocument(all()));
        return reply.type('application/json').send(document);
      },
    },
    {
      methods: ['GET'],
      path: '/docs',
      summary: 'This interface as a page to read',
      answers: { 200: { description: 'a page', mediaType: 'text/html', schema: Type.String() } },
      async handler(_request, reply) {
        const { docsPage } = await import('./page.ts');
        page ??= docsPage(all());
        return reply.type('text/html; charset=utf-8').send(page);
      },
    },
  ];
}
