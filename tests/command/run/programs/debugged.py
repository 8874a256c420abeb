"""A Flask application in debug mode, which starts itself anew when a file changes."""

import sys

from web import application

if __name__ == "__main__":
    application.run(port=int(sys.argv[1]), debug=True)
