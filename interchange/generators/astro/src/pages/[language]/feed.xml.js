import {items, site} from '../../items.mjs';
import {feed} from '../../../pages.mjs';

export const getStaticPaths = () => site.languages.map((language) => ({params: {language: language.key}, props: {language}}));

export const GET = async (context) => new Response(
  feed(await items(), site, context.props.language, context.site.origin), {headers: {'Content-Type': 'application/rss+xml'}});
