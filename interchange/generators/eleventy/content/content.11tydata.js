// What holds for every item: its page and its address.
export default {
  layout: 'item.njk',
  permalink: ({prassi}) => `${prassi.url}index.html`,
};
