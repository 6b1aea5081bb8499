import {items, site} from '../items.mjs';
import {lists, sitemap} from '../../pages.mjs';

export const GET = async (context) => {
  const all = await items();
  return new Response(sitemap([...all.map(({url}) => url), ...lists(all, site).map(({url}) => url)], context.site.origin),
    {headers: {'Content-Type': 'application/xml'}});
};
