import {defineCollection} from 'astro:content';
import {glob} from 'astro/loaders';

// An item is known by its path: {language}/{collection}/{slug}.
export const collections = {
  items: defineCollection({
    loader: glob({pattern: '**/*.md', base: './content', generateId: ({entry}) => entry.replace(/\.md$/, '')}),
  }),
};
