"""`bizpbx serve`. Patching comes first: whatever is imported before it would block the loop."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - imported after the patch, or its users would block the loop

from bizpbx.controller.daemon import main  # noqa: E402 - the same: psycopg and requests break when they are patched later

sys.exit(main())
