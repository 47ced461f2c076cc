// What a recording shows: the speakers beside each other, or a screen and the speakers beside it, each with a name.

export const WIDTH = 1280;
export const HEIGHT = 720;

const GAP = 8;
const SIDE = 304; // the column beside a screen
const LINE = 36;
const BACK = "#101418";
const EMPTY = "#242b33";
const INK = "#ffffff";
const FONT = "20px system-ui, sans-serif";
const LARGE = "600 64px system-ui, sans-serif";

/** Where each tile is: [tile, left, top, width, height]. Screens first; more than fits beside one is left out. */
export function placed(tiles) {
  const screens = tiles.filter((one) => one.isScreen && one.video);
  const people = tiles.filter((one) => !one.isScreen);
  if (!screens.length) return grid(people, 0, 0, WIDTH, HEIGHT);
  if (!people.length) return grid(screens, 0, 0, WIDTH, HEIGHT);
  const height = (SIDE * 9) / 16;
  const beside = people.slice(0, Math.floor(HEIGHT / (height + GAP)));
  return [
    ...grid(screens, 0, 0, WIDTH - SIDE - GAP, HEIGHT),
    ...beside.map((one, place) => [one, WIDTH - SIDE, place * (height + GAP), SIDE, height]),
  ];
}

function grid(tiles, left, top, width, height) {
  const columns = Math.ceil(Math.sqrt(tiles.length));
  const rows = Math.ceil(tiles.length / (columns || 1));
  const [wide, high] = [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
  return tiles.map((one, place) => {
    const [column, row] = [place % columns, Math.floor(place / columns)];
    return [one, left + column * (wide + GAP), top + row * (high + GAP), wide, high];
  });
}

/** Draws them, as they are just now. */
export function draw(context, tiles) {
  context.fillStyle = BACK;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  for (const [tile, ...place] of placed(tiles)) drawTile(context, tile, place);
}

function drawTile(context, tile, [left, top, width, height]) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.fillStyle = EMPTY;
  context.fillRect(left, top, width, height);
  const { video } = tile;
  if (video?.videoWidth && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
    const scales = [width / video.videoWidth, height / video.videoHeight];
    const scale = tile.isScreen ? Math.min(...scales) : Math.max(...scales); // all of a screen, as much as fits of a face
    const [wide, high] = [video.videoWidth * scale, video.videoHeight * scale];
    context.drawImage(video, left + (width - wide) / 2, top + (height - high) / 2, wide, high);
  } else {
    context.fillStyle = INK;
    context.font = LARGE;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText([...tile.label][0]?.toUpperCase() ?? "", left + width / 2, top + height / 2);
  }
  drawName(context, tile.label, left, top + height, width);
  context.restore();
}

function drawName(context, name, left, bottom, width) {
  if (!name) return;
  context.font = FONT;
  context.textAlign = "start";
  context.textBaseline = "middle";
  const wide = Math.min(context.measureText(name).width, width - 2 * GAP);
  context.fillStyle = "rgb(0 0 0 / 65%)";
  context.fillRect(left, bottom - LINE, wide + 2 * GAP, LINE);
  context.fillStyle = INK;
  context.fillText(name, left + GAP, bottom - LINE / 2, width - 2 * GAP);
}
