// The map of a page, with Leaflet. The same places are in the list beside it, so
// nothing depends on this script. Its words come with the element's data
// attributes, in the page's language.
import * as L from 'leaflet';
import { shapes, type Topology } from './topojson';

interface Place {
  at: L.LatLng;
  title: string;
  url: string;
  note: string;
  locale: string;
  dir: string;
}

interface Feature {
  geometry: { type: string; coordinates: [number, number] } | null;
  properties: Record<string, unknown> | null;
}

// apart is how near, in pixels, two marks may be before they become one: each must
// be hit without hitting the other (WCAG 2.2, 2.5.8).
const apart = 36;

async function json<T>(address: string): Promise<T> {
  const answer = await fetch(address, { credentials: 'omit' });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return (await answer.json()) as T;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

// entry is a place in a popup. Addresses that are none of the web's lead
// nowhere.
function entry(place: Place): HTMLElement {
  const box = document.createElement('p');
  const link = document.createElement('a');
  link.textContent = place.title;
  link.lang = place.locale;
  link.dir = place.dir;
  if (/^(?:https?:\/\/|\/(?!\/))/.test(place.url)) link.href = place.url;
  box.append(link);
  if (place.note) box.append(document.createElement('br'), place.note);
  return box;
}

async function show(box: HTMLElement): Promise<void> {
  const say = (name: string): string => box.dataset[name] ?? '';
  const quiet = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const map = L.map(box, {
    zoomControl: false,
    attributionControl: false,
    scrollWheelZoom: false, // the page scrolls, the buttons zoom
    fadeAnimation: !quiet,
    zoomAnimation: !quiet,
    markerZoomAnimation: !quiet,
    minZoom: 4,
    zoomSnap: 0.5,
    maxZoom: 18,
  });
  L.control.zoom({ position: document.dir === 'rtl' ? 'topright' : 'topleft', zoomInTitle: say('zoomIn'), zoomOutTitle: say('zoomOut') }).addTo(map);
  const attribution = L.control.attribution({ prefix: 'Leaflet', position: document.dir === 'rtl' ? 'bottomleft' : 'bottomright' }).addTo(map);
  const words = document.createElement('span');
  words.textContent = say('attribution');
  attribution.addAttribution(words.outerHTML);

  const [west = 6.6, south = 35.5, east = 18.6, north = 47.1] = say('bbox').split(',').filter(Boolean).map(Number);
  map.fitBounds([[south, west], [north, east]], { padding: [24, 24], maxZoom: 14 });

  if (say('tiles')) {
    L.tileLayer(say('tiles'), { maxZoom: 18, referrerPolicy: 'no-referrer' }).addTo(map);
  } else if (say('outlines')) {
    void json<Topology>(say('outlines')).then((topology) => {
      for (const shape of shapes(topology, 'provinces')) L.polygon(shape, { className: 'outline', interactive: false, smoothFactor: 0.5 }).addTo(map);
    }).catch(() => undefined);
  }

  type Points = { features: Feature[] };
  const { features } = say('here') ? (JSON.parse(say('here')) as Points) : await json<Points>(say('points'));
  const places = features.flatMap(({ geometry, properties }): Place[] => {
    if (geometry?.type !== 'Point') return [];
    const [lon, lat] = geometry.coordinates;
    const p = properties ?? {};
    return [{
      at: L.latLng(lat, lon), title: text(p['title']), url: text(p['url']), note: text(p['address']) || text(p['label']),
      locale: text(p['locale']), dir: text(p['dir']),
    }];
  });

  const marks = L.layerGroup().addTo(map);
  const draw = (): void => {
    const groups: { point: L.Point; places: Place[] }[] = [];
    for (const place of places) {
      const point = map.project(place.at);
      const near = groups.find((group) => group.point.distanceTo(point) < apart);
      if (near) near.places.push(place);
      else groups.push({ point, places: [place] });
    }
    marks.clearLayers();
    for (const group of groups) {
      const [first] = group.places;
      if (!first) continue;
      const many = group.places.length;
      const label = many > 1 ? say('many').replace('{count}', String(many)) : first.title;
      const icon = L.divIcon({ className: many > 1 ? 'mark many' : 'mark', html: many > 1 ? String(many) : '', iconSize: [30, 30] });
      const mark = L.marker(first.at, { icon, title: label, keyboard: true, riseOnHover: true }).addTo(marks);
      mark.getElement()?.setAttribute('aria-label', label);
      const bounds = L.latLngBounds(group.places.map((place) => place.at));
      // What cannot be parted by coming nearer is listed.
      const together = map.getZoom() >= 16 || bounds.getNorthEast().distanceTo(bounds.getSouthWest()) < 30;
      let act = (): void => void map.fitBounds(bounds, { padding: [40, 40], maxZoom: 16 });
      if (many > 1 && !together) {
        mark.on('click', act);
      } else {
        mark.bindPopup(() => {
          const list = document.createElement('div');
          list.append(...group.places.slice(0, 30).map(entry));
          return list;
        }, { maxHeight: 220 });
        act = () => void mark.openPopup();
      }
      // It says that it is a button, so it does what buttons do.
      mark.getElement()?.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        act();
      });
    }
  };
  map.on('zoomend', draw);
  draw();

  map.on('popupopen', ({ popup }) => {
    const element = popup.getElement();
    element?.querySelector('.leaflet-popup-close-button')?.setAttribute('aria-label', say('close'));
    (element?.querySelector('.leaflet-popup-content a') as HTMLElement | null)?.focus({ preventScroll: true });
  });
  map.on('popupclose', ({ popup }) => {
    // Back to the mark, unless the person has gone on.
    const source = (popup as L.Popup & { _source?: L.Marker })._source?.getElement();
    // Leaflet may have removed the popup already, and the focus with it.
    const at = document.activeElement;
    if (!at || at === document.body || popup.getElement()?.contains(at)) source?.focus({ preventScroll: true });
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') map.closePopup();
  });
}

for (const box of document.querySelectorAll<HTMLElement>('.map[data-points]')) {
  show(box).catch(() => {
    // The list says all; a map without marks would say that there are none.
    box.closest<HTMLElement>('.map-box')?.remove();
  });
}
